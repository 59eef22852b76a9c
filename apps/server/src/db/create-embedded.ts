// Makes an embedded database in the empty folder given, in a process of its own: see create-cluster.ts.
import { PGlite } from '@electric-sql/pglite';

process.on('disconnect', () => process.exit(1));
const [, , folder] = process.argv;
if (!folder) throw new Error('Give the folder of the new database.');
const pglite = await PGlite.create(folder);
await pglite.close();
process.exit(0);
