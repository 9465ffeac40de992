#!/usr/bin/env node
'use strict';
// Drives an AccessToken REST API with the REAL LoopBack remote client (loopback-connector-remote).
//   node remote_client_check.js http://127.0.0.1:3100/api
// env: ADMIN_TOKEN  sent as "Authorization: <token>" (raw, LoopBack style) with every call
//      CLIENT=lb3 (default: loopback 3.28 + loopback-connector-remote 3.4.1) | lb2 (loopback 2.42 + loopback-connector-remote 1.3.3)
//      LOOPBACK_DIR  directory whose node_modules holds loopback and loopback-connector-remote (default: folder CLIENT beside this file)
//      SKIP=stream,user   steps to leave out (stream: change-stream over mux-demux; replace; upsertWithWhere; ...)
// Exits 0 when every assertion holds. It uses only ids it invents itself (prefix rcc-<pid>-) and removes them again.
const path = require('path'), assert = require('assert');
const base = process.argv[2];
if (!base) { console.error('usage: remote_client_check.js http://host:port/api'); process.exit(2); }
const CLIENT = process.env.CLIENT || 'lb3';
const dir = process.env.LOOPBACK_DIR || path.join(__dirname, CLIENT);
const packageOf = m => CLIENT === 'lb2' ? m + '-lb2' : m;   // both generations lie side by side, this one under these names
const req = m => require(require.resolve(packageOf(m), {paths: [dir]}));
const skip = new Set((process.env.SKIP || '').split(',').filter(Boolean));
const loopback = req('loopback');
const app = loopback({localRegistry: true, loadBuiltinModels: true});
const ds = app.dataSource('remote', {connector: req('loopback-connector-remote'), url: base});
// 3.x client: raw "Authorization: <token>"; 1.x client knows only Basic/Bearer, and LoopBack base64-decodes Bearer values
if (process.env.ADMIN_TOKEN) ds.connector.remotes.auth = CLIENT === 'lb2'
  ? {bearer: Buffer.from(process.env.ADMIN_TOKEN).toString('base64'), sendImmediately: true}
  : {accessToken: {id: process.env.ADMIN_TOKEN}};
// a call that is never answered leaves nothing to wait for: without this, that would look like success
process.on('beforeExit', () => { console.log('FAIL it ended before its last step'); process.exit(1); });
process.on('uncaughtException', e => { console.log('FAIL uncaught ' + e.message.slice(0, 200)); process.exit(1); });
const AT = app.registry.getModel('AccessToken');   // the built-in model, same metadata as on the server
app.model(AT, {dataSource: 'remote', public: true});
const P = 'rcc-' + process.pid + '-';
const T0 = '2024-01-01T00:00:00.000Z', T1 = '2024-02-01T00:00:00.000Z', T2 = '2024-03-01T00:00:00.000Z';
let n = 0, failed = 0;
const call = (o, m, ...a) => new Promise((ok, no) => {
  let done = false; const cb = (e, v) => { if (done) return; done = true; e ? no(e) : ok(v); };
  try { o[m](...a, cb); } catch (e) { no(e); }
});
const withTimeout = (p, ms, what) => Promise.race([p, new Promise((_, no) => setTimeout(() => no(new Error('timeout: ' + what)), ms).unref())]);
async function step(name, f) {
  if (skip.has(name.split(' ')[0])) { console.log('skip ' + name); return; }
  n++;
  try { const r = await withTimeout(f(), 10000, name); console.log('ok   ' + name + (r === undefined ? '' : '  -> ' + JSON.stringify(r))); }
  catch (e) { failed++; console.log('FAIL ' + name + '  ' + (e.stack || e.message).split('\n').slice(0, 3).join(' | ') + (e.statusCode ? ' [' + e.statusCode + ' ' + e.code + ']' : '')); }
}
const json = x => JSON.parse(JSON.stringify(x));
const ids = l => l.map(x => x.id);
const mine = {id: {like: P + '%'}};
async function cleanup() { for (const t of await call(AT, 'find', {where: mine})) await call(AT, 'deleteById', t.id); }

(async () => {
  console.log('client', CLIENT, dir, '->', base);
  await step('cleanup-before', cleanup);
  let generated;
  await step('create generates an id', async () => {
    const t = await call(AT, 'create', {userId: 1});
    assert(t instanceof AT); assert(/^[A-Za-z0-9]{64}$/.test(t.id), 'id ' + t.id);
    assert.strictEqual(t.ttl, 1209600); assert.strictEqual(t.userId, 1); assert(t.created instanceof Date);
    assert(Math.abs(t.created - Date.now()) < 120000); generated = t.id; return json(t);
  });
  await step('findById of the generated id', async () => { const t = await call(AT, 'findById', generated); assert.strictEqual(t.id, generated); });
  await step('deleteById of the generated id', async () => { const r = await call(AT, 'deleteById', generated); assert.deepStrictEqual(json(r), {count: 1}); });
  await step('create with explicit values', async () => {
    const t = await call(AT, 'create', {id: P + '1', ttl: 100, created: T0, userId: 1});
    assert.deepStrictEqual(json(t), Object.assign(json(t), {id: P + '1', ttl: 100, created: T0, userId: 1}));
  });
  await step('create two more', async () => {   // one by one: the remote client itself cannot take an array back from create()
    for (const d of [{id: P + '2', ttl: 200, created: T1, userId: 2}, {id: P + '3', ttl: 300, created: T2, userId: 1}])
      assert.strictEqual((await call(AT, 'create', d)).id, d.id);
  });
  await step('find all of mine, ordered', async () => { const l = await call(AT, 'find', {where: mine, order: 'ttl DESC'}); assert.deepStrictEqual(ids(l), [P + '3', P + '2', P + '1']); assert(l[0].created instanceof Date); });
  await step('find where + limit + skip', async () => { const l = await call(AT, 'find', {where: {and: [mine, {ttl: {gt: 50}}]}, order: 'ttl ASC', limit: 1, skip: 1}); assert.deepStrictEqual(ids(l), [P + '2']); });
  await step('find where inq', async () => { const l = await call(AT, 'find', {where: {id: {inq: [P + '1', P + '3']}}, order: 'id ASC'}); assert.deepStrictEqual(ids(l), [P + '1', P + '3']); });
  await step('find fields', async () => { const l = await call(AT, 'find', {where: {id: P + '1'}, fields: {id: true, ttl: true}}); assert.strictEqual(l[0].id, P + '1'); assert.strictEqual(l[0].ttl, 100); assert.strictEqual(l[0].userId, undefined); });
  await step('findOne', async () => { const t = await call(AT, 'findOne', {where: {and: [mine, {userId: 1}]}, order: 'created DESC'}); assert.strictEqual(t.id, P + '3'); });
  // the 3.x client maps 404 MODEL_NOT_FOUND to null, the 1.x client reports the error
  const miss = async (m, a) => CLIENT === 'lb2' ? assert.rejects(call(AT, m, a), e => e.statusCode === 404 && e.code === 'MODEL_NOT_FOUND') : assert.strictEqual(await call(AT, m, a), null);
  await step('findOne miss (404 MODEL_NOT_FOUND)', () => miss('findOne', {where: {id: P + 'none'}}));
  await step('findById hit', async () => { const t = await call(AT, 'findById', P + '2'); assert.strictEqual(t.ttl, 200); assert.strictEqual(t.created.toISOString(), T1); });
  await step('findById miss (404 MODEL_NOT_FOUND)', () => miss('findById', P + 'none'));
  // the 1.x client never substitutes :id for exists() (it calls GET /AccessTokens/:id/exists literally): skipped there
  if (CLIENT !== 'lb2') await step('exists hit', async () => { assert.strictEqual(await call(AT, 'exists', P + '1'), true); });
  await step('exists miss', async () => { assert.strictEqual(await call(AT, 'exists', P + 'none'), false); });
  await step('count', async () => { assert.strictEqual(await call(AT, 'count', mine), 3); });
  await step('count where', async () => { assert.strictEqual(await call(AT, 'count', {and: [mine, {userId: 1}]}), 2); });
  await step('updateAttributes (' + (CLIENT === 'lb2' ? 'PUT' : 'PATCH') + ' /:id)', async () => {
    const t = await call(AT, 'findById', P + '1');
    await call(t, CLIENT === 'lb2' ? 'updateAttributes' : 'patchAttributes', {ttl: 111, created: T0, userId: 1});
    const u = await call(AT, 'findById', P + '1'); assert.strictEqual(u.ttl, 111); assert.strictEqual(u.userId, 1); assert.strictEqual(u.created.toISOString(), T0);
  });
  await step('updateAttributes changing the id -> 400', async () => {
    const t = await call(AT, 'findById', P + '1');
    await assert.rejects(call(t, CLIENT === 'lb2' ? 'updateAttributes' : 'patchAttributes', {id: P + 'other'}), e => e.statusCode === 400);
  });
  await step('upsert existing', async () => { const t = await call(AT, 'upsert', {id: P + '2', ttl: 222, created: T1, userId: 2}); assert.strictEqual(t.ttl, 222); assert.strictEqual(await call(AT, 'count', mine), 3); });
  await step('upsert new', async () => { const t = await call(AT, 'upsert', {id: P + '4', ttl: 400, created: T2}); assert.strictEqual(t.id, P + '4'); assert.strictEqual(await call(AT, 'count', mine), 4); });
  await step('replaceById', async () => { await call(AT, 'replaceById', P + '4', {ttl: 444, created: T2}); const t = await call(AT, 'findById', P + '4'); assert.strictEqual(t.ttl, 444); });
  await step('replaceOrCreate', async () => { await call(AT, 'replaceOrCreate', {id: P + '4', ttl: 445, created: T2}); const t = await call(AT, 'findById', P + '4'); assert.strictEqual(t.ttl, 445); });
  await step('upsertWithWhere', async () => { const t = await call(AT, 'upsertWithWhere', {id: P + '4'}, {ttl: 446}); assert.strictEqual(t.ttl, 446); });
  await step('updateAll', async () => { const r = await call(AT, 'updateAll', {and: [mine, {userId: 1}]}, {ttl: 5}); assert.deepStrictEqual(json(r), {count: 2}); assert.strictEqual((await call(AT, 'findById', P + '3')).ttl, 5); });
  await step('create duplicate id -> error', async () => { await assert.rejects(call(AT, 'create', {id: P + '1'}), e => e.statusCode >= 400 || /Duplicate/.test(e.message)); });
  await step('invalid filter -> 400', async () => { await assert.rejects(call(AT, 'find', {limit: -1}), e => e.statusCode === 400); });
  await step('stream createChangeStream', async () => {
    const s = await call(AT, 'createChangeStream', {});
    const got = new Promise((ok, no) => { s.on('data', ok); s.on('error', no); });
    await new Promise(r => setTimeout(r, 300));
    await call(AT, 'create', {id: P + '5', ttl: 1, created: T0});
    const ev = await got; s.destroy && s.destroy();
    assert.strictEqual(ev.type, 'create'); assert.strictEqual(ev.target, P + '5'); assert.strictEqual(ev.data.id, P + '5'); return ev;
  });
  await step('deleteById hit', async () => { assert.deepStrictEqual(json(await call(AT, 'deleteById', P + '1')), {count: 1}); assert.strictEqual(await call(AT, 'exists', P + '1'), false); });
  await step('deleteById miss', async () => { assert.deepStrictEqual(json(await call(AT, 'deleteById', P + '1')), {count: 0}); });
  await step('cleanup-after', async () => { await cleanup(); assert.strictEqual(await call(AT, 'count', mine), 0); });
  console.log((n - failed) + ' steps passed, ' + failed + ' failed');
  process.exit(failed ? 1 : 0);
})().catch(e => { console.error(e); process.exit(1); });
