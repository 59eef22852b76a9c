import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StartError } from '../errors/start-error.js';

/** How much of what a failed child said is kept: the end says why. */
const MAX_OUTPUT_CHARACTERS = 4_000;

/** Beside the folder, since a rename can't cross disks. */
const unfinishedPrefix = (folder: string): string => `${folder}.unfinished-`;

/** Runs create-embedded, which lies next to this file in the sources, and next to the bundle when built. */
const createInChild = (folder: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const here = fileURLToPath(import.meta.url);
    const entry = join(dirname(here), `create-embedded${extname(here)}`);
    // The channel ends the child when this process is killed.
    const child = spawn(process.execPath, [entry, folder], { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      said = `${said}${chunk}`.slice(-MAX_OUTPUT_CHARACTERS);
    });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) resolve();
      else reject(new Error(`creating the database ended with ${code ?? signal}: ${said}`));
    });
  });

/**
 * Makes an embedded database: beside its place, then moved there whole, so that a folder that exists is complete however
 * the creation was ended. It takes 800 MB of memory, which a child process gives back when it ends. The caller holds the
 * folder's lock.
 * @throws StartError when it can't be made; nothing is left then
 */
export const createCluster = async (folder: string): Promise<void> => {
  // Readable by its owner alone, as mkdtemp makes it: PGlite's files inside are not.
  const unfinished = mkdtempSync(unfinishedPrefix(folder));
  try {
    await createInChild(unfinished);
    renameSync(unfinished, folder);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    throw new StartError(
      `The embedded database could not be made in ${folder}: is there space on the disk, and memory, and is the folder empty?`,
      { cause: error },
    );
  }
};

/** Removes what creations that were killed midway have left. The caller holds the folder's lock. */
export const removeUnfinishedClusters = (folder: string): void => {
  const prefix = basename(unfinishedPrefix(folder));
  for (const name of readdirSync(dirname(folder))) {
    if (name.startsWith(prefix)) rmSync(join(dirname(folder), name), { recursive: true, force: true });
  }
};
