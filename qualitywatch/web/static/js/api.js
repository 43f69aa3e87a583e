// The daemon's HTTP API. A failure is an ApiError whose message people can read.
import { t } from "./words.js";

const BASE = "/api/v1/";

export class ApiError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

const onLoggedOut = new Set();

export function whenLoggedOut(call) {
  onLoggedOut.add(call);
}

async function ask(method, path, { query = {}, body, signal } = {}) {
  const url = new URL(BASE + path, location.origin);
  for (const [name, value] of Object.entries(query)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== undefined && each !== null && each !== "") url.searchParams.append(name, each);
    }
  }
  let response;
  try {
    response = await fetch(url, {
      method,
      signal,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (failure) {
    if (failure.name === "AbortError") throw failure;
    throw new ApiError(t("no_answer"), 0);
  }
  if (response.status === 401) onLoggedOut.forEach((call) => call());
  if (!response.ok) throw new ApiError(await reason(response), response.status);
  return response.json();
}

async function reason(response) {
  try {
    const { error } = await response.json();
    const details = (error.details ?? []).map((each) => each.message ?? "").filter(Boolean);
    return [error.message, ...details].join(" ");
  } catch {
    return `${response.status}`;
  }
}

export const get = (path, query, signal) => ask("GET", path, { query, signal });
export const post = (path, body) => ask("POST", path, { body });
export const remove = (path) => ask("DELETE", path);

// Every item of a list, page by page.
export async function getAll(path, query = {}) {
  const items = [];
  let offset = 0;
  do {
    const page = await get(path, { ...query, limit: 1000, offset });
    items.push(...page.items);
    offset = page.next_offset ?? null;
  } while (offset !== null);
  return items;
}
