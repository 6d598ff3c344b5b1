// Reads an AsyncAPI document from standard input and prints what AsyncAPI's own parser says of it, as JSON:
// { "channels": number, "faults": [{ "severity", "path", "message" }] }. Severity 0 is an error.
import { Parser } from "@asyncapi/parser";

let text = "";
for await (const chunk of process.stdin) text += chunk;
const { document, diagnostics } = await new Parser().parse(text);
const faults = diagnostics.map(({ severity, path, message }) => ({ severity, path: path.join("."), message }));
console.log(JSON.stringify({ channels: document?.channels().length ?? 0, faults }));
