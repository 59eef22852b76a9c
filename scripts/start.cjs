// The door of every npm script: `node scripts/start.cjs TASK …`. Old Nodes must be able to read this file to be told that
// they are old, so it keeps to the words that they know; the rest is in bring-node.cjs.
'use strict';

if (Number(process.versions.node.split('.')[0]) < 20) {
  process.stderr.write(
    'Authpipe needs Node 20 or newer, and this is Node ' +
      process.versions.node +
      ': install a newer Node and run the command again.\n',
  );
  process.exit(1);
}
require('./bring-node.cjs');
