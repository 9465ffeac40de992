#!/usr/bin/env node
'use strict';
// Drives Jeton's OAuth endpoints with the published library openid-client (npm): metadata, introspection, revocation.
//   node openid_client_check.js https://127.0.0.1:8443 CLIENT_ID CLIENT_SECRET TOKEN
// TOKEN: a live token of user 7 with the global scope `read`. It is revoked in the end.
// env: PACKAGES_DIR  directory whose node_modules holds openid-client
//      NODE_EXTRA_CA_CERTS  the server's certificate, if nobody else vouches for it
// Prints `passed` and exits 0 only if everything holds.
const assert = require('node:assert/strict');
const {pathToFileURL} = require('node:url');
// Node.js 18 has it under another name only.
globalThis.crypto ??= require('node:crypto').webcrypto;
const [issuer, id, secret, token] = process.argv.slice(2);

// What is never answered leaves nothing to wait for: without this, that would look like success.
let done = false;
process.on('exit', code => { if (!code && !done) { console.log('it ended before its last step'); process.exitCode = 1; } });

async function check() {
  const found = require.resolve('openid-client', {paths: [process.env.PACKAGES_DIR]});
  const client = await import(pathToFileURL(found));
  const discover = secret => client.discovery(
    new URL(issuer), id, undefined, client.ClientSecretBasic(secret), {algorithm: 'oauth2'});
  const config = await discover(secret);
  const metadata = config.serverMetadata();
  assert.equal(metadata.issuer, issuer);
  assert.equal(metadata.introspection_endpoint, `${issuer}/oauth2/introspect`);
  assert.equal(metadata.revocation_endpoint, `${issuer}/oauth2/revoke`);

  const live = await client.tokenIntrospection(config, token);
  assert.equal(live.active, true);
  assert.deepEqual([live.scope, live.client_id, live.sub, live.token_type], ['read', 'demo', '7', 'Bearer']);
  assert(Number.isSafeInteger(live.iat) && live.exp > live.iat, JSON.stringify(live));
  assert.deepEqual(live.jeton_scopes, [{permissions: ['read'], global: true, ids: [], tags: []}]);
  assert.deepEqual(await client.tokenIntrospection(config, 'garbage'), {active: false});
  const hinted = await client.tokenIntrospection(config, token, {token_type_hint: 'refresh_token'});
  assert.equal(hinted.jti, live.jti);

  const stranger = await discover('wrong');
  for (const call of [client.tokenIntrospection, client.tokenRevocation]) {
    await assert.rejects(call(stranger, token), error => {
      assert.equal(error.status ?? error.cause?.status, 401, String(error));
      return true;
    });
  }
  assert.equal((await client.tokenIntrospection(config, token)).active, true, 'a stranger revokes nothing');

  // Once more is no error (RFC 7009 section 2.2).
  for (const unwanted of [token, token, 'garbage']) await client.tokenRevocation(config, unwanted);
  assert.deepEqual(await client.tokenIntrospection(config, token), {active: false});
}

check().then(
  () => { done = true; console.log('passed'); },
  error => { console.log(error); process.exitCode = 1; });
