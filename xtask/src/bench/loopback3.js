// LoopBack 3 with its own AccessToken model in memory, open to everyone: what `cargo xtask bench --peers` asks for a token by
// its id. Prints the address and the id of one of COUNT tokens.
'use strict';
const loopback = require('loopback');

const count = Number(process.argv[2]);
const app = loopback();
app.dataSource('db', {connector: 'memory'});
loopback.AccessToken.settings.acls = [];
app.model(loopback.AccessToken, {dataSource: 'db', public: true});
app.use('/api', loopback.rest());

async function main() {
  let last;
  const users = Math.max(1, count / 20);
  for (let number = 0; number < count; number += 1) last = await app.models.AccessToken.create({userId: number % users});
  const server = app.listen(0, '127.0.0.1', () => {
    console.log(`listening on http://127.0.0.1:${server.address().port}/api/accessTokens/${last.id}`);
  });
}

main();
