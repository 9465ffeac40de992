#!/usr/bin/env node
// A backend in Node.js (18 or newer, no packages) that serves sensors and asks Jeton about every request's token.
//
//   examples/backend.mjs [CREDENTIALS]
//
// CREDENTIALS is the file that the first run wrote (default: jeton-data/first-run.json).
// JETON_URL says where Jeton is (default: http://127.0.0.1:8080), PORT where this listens (default: 3000).

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";

const made = JSON.parse(await readFile(process.argv[2] ?? "jeton-data/first-run.json", "utf8"));
const url = (process.env.JETON_URL ?? "http://127.0.0.1:8080").replace(/\/$/, "");
const basic = "Basic " + Buffer.from(`${made.client_id}:${made.client_secret}`).toString("base64");

/** Whether `token` may do `permission` on the resource. Throws if that cannot be found out. */
async function verify(token, permission, id) {
  const answer = await fetch(`${url}/verify/${encodeURIComponent(made.app_key)}`, {
    method: "POST",
    headers: { Authorization: basic, "Content-Type": "application/json" },
    body: JSON.stringify({ token, permission, resource: { id } }),
    signal: AbortSignal.timeout(2_000),
  });
  if (!answer.ok) throw new Error(`Jeton answers ${answer.status}`);
  return answer.json();
}

function reply(response, status, body, headers = {}) {
  response.writeHead(status, { "Content-Type": "application/json", ...headers });
  response.end(JSON.stringify(body) + "\n");
}

const server = createServer(async (request, response) => {
  const id = /^\/sensors\/([\w-]{1,64})$/.exec(request.url)?.[1];
  if (id === undefined) return reply(response, 404, { error: "not found" });
  const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? "")?.[1];
  if (token === undefined) {
    return reply(response, 401, { error: "a token is needed" }, { "WWW-Authenticate": "Bearer" });
  }
  const permission = request.method === "GET" ? "read" : "write";
  let verdict;
  try {
    verdict = await verify(token, permission, id);
  } catch (error) {
    // An outage is neither a yes nor a no.
    console.error(error.message);
    return reply(response, 503, { error: "try again" }, { "Retry-After": "1" });
  }
  if (verdict.allowed) return reply(response, 200, { sensor: id, user: verdict.user_id });
  if (verdict.active) return reply(response, 403, { error: verdict.reason });
  return reply(response, 401, { error: verdict.reason }, { "WWW-Authenticate": 'Bearer error="invalid_token"' });
});

server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
