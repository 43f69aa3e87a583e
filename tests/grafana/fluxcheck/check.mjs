// node check.mjs < queries.json: a JSON list of Flux queries in, a list of lists of complaints out.
import fs from 'node:fs';

for (const level of ['log', 'info', 'debug']) console[level] = () => {}; // what the server logs is no answer
const place = new URL('./node_modules/@influxdata/flux-lsp-browser/', import.meta.url);
let glue = fs.readFileSync(new URL('flux-lsp-browser_bg.js', place), 'utf8').replace(/^import \* as wasm.*$/m, '');
const views = glue.match(/^cached\w+Memory0 = new .*$/gm) ?? []; // views of memory that does not exist before the module does
glue = glue.replace(/^cached\w+Memory0 = new .*$/gm, '');
glue = `let wasm; export function setWasm(it) { wasm = it; ${views.join(' ')} }\n${glue}`;
const bg = await import(`data:text/javascript;base64,${Buffer.from(glue).toString('base64')}`);
const module = new WebAssembly.Module(fs.readFileSync(new URL('flux-lsp-browser_bg.wasm', place)));
const imports = Object.fromEntries(WebAssembly.Module.imports(module).map((each) => [each.module, bg]));
const instance = new WebAssembly.Instance(module, imports);
bg.setWasm(instance.exports);
instance.exports.__wbindgen_start?.();

const isError = (each) => each.severity === 1; // the rest is advice

async function complaints(text) {
  const lsp = new bg.Lsp();
  let answered;
  const answer = new Promise((resolve) => { answered = resolve; });
  lsp.onMessage((message) => {
    const told = JSON.parse(message);
    if (told.method === 'textDocument/publishDiagnostics') answered(told.params.diagnostics.filter(isError).map((each) => each.message));
  });
  lsp.run();
  const send = (message) => lsp.send(JSON.stringify({ jsonrpc: '2.0', ...message }));
  await send({ id: 1, method: 'initialize', params: { capabilities: {}, processId: 1, rootUri: null } });
  await send({ method: 'initialized', params: {} });
  const textDocument = { uri: 'file:///a.flux', languageId: 'flux', version: 1, text };
  await send({ method: 'textDocument/didOpen', params: { textDocument } });
  const late = setTimeout(() => answered(['no answer within 20 s']), 20000); // it also keeps the event loop alive
  const found = await answer;
  clearTimeout(late);
  return bg.is_valid_flux(text) || found.length ? found : ['not valid'];
}

const found = [];
for (const text of JSON.parse(fs.readFileSync(0, 'utf8'))) found.push(await complaints(text));
fs.writeSync(1, JSON.stringify(found));
process.exit(0);
