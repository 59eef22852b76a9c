// Makes an embedded database in the folder given, in a process of its own: see embedded.ts.
import { PGlite } from '@electric-sql/pglite';

const [, , folder] = process.argv;
if (!folder) throw new Error('Give the folder of the new database.');
const pglite = await PGlite.create(folder);
await pglite.close();
