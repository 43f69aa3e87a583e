// Addresses of views: #/name/part/part?query. Parts are encoded, so a slash of a peer's name stays within its part.
export function readRoute() {
  const [path, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [name, ...parts] = path.split("/").filter(Boolean).map(decoded);
  return { name: name ?? "overview", parts, query: new URLSearchParams(query) };
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function address(name, parts = [], query = {}) {
  const told = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== "" && value != null));
  const path = [name, ...parts].map(encodeURIComponent).join("/");
  return `#/${path}${told.size ? `?${told}` : ""}`;
}

// Changes the query of the address without a step in the history.
export function keepQuery(query) {
  const { name, parts } = readRoute();
  history.replaceState(null, "", address(name, parts, query));
}
