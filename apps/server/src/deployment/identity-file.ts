import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { systemErrorCode } from '../config/system-error-code.js';
import type { Randomness } from '../randomness.js';
import { folderMark } from './folder-mark.js';

const FILE_NAME = 'deployment.json';

const memory = z.object({
  deploymentId: z.string().min(1),
  highWater: z.int().nonnegative(),
  folder: folderMark.nullable(),
});

/** What a server knows of its database beside it: whose it is, how far it came, and where it lies when it is embedded. */
export type Memory = z.output<typeof memory>;

/** What the file holds; `fault` says why it can't be used, and never what is in it. */
export type ReadMemory =
  | { readonly memory: Memory | null; readonly fault: null }
  | { readonly memory: null; readonly fault: string };

/** Where a server keeps what it knows. */
export const identityFilePath = (dataDir: string): string => join(dataDir, FILE_NAME);

const parse = (text: string): Memory | null => {
  try {
    return memory.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
};

/** Reads it. Never rejects: a file that is not there is nothing known, and so is a damaged one, with a fault. */
export const readIdentityFile = async (dataDir: string): Promise<ReadMemory> => {
  let text: string;
  try {
    text = await readFile(identityFilePath(dataDir), 'utf8');
  } catch (error) {
    const code = systemErrorCode(error);
    return code === 'ENOENT' || code === 'ENOTDIR'
      ? { memory: null, fault: null }
      : { memory: null, fault: `${FILE_NAME} in AUTHPIPE_DATA_DIR can't be read (${code})` };
  }
  const parsed = parse(text);
  return parsed === null
    ? { memory: null, fault: `${FILE_NAME} in AUTHPIPE_DATA_DIR is damaged` }
    : { memory: parsed, fault: null };
};

/** A rename is on the disk when its folder is. Where folders can't be synced (Windows), the file system sees to it. */
const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, 'r').catch(() => null);
  await handle?.sync().catch(() => {});
  await handle?.close();
};

/**
 * Writes it, for its owner alone: aside, to the disk, and renamed into place. Whenever the process or the machine ends,
 * either the old one or the new one is there.
 * @throws what the file system throws
 */
export const writeIdentityFile = async (
  dataDir: string,
  known: Memory,
  { bytes }: Pick<Randomness, 'bytes'>,
): Promise<void> => {
  const path = identityFilePath(dataDir);
  const aside = `${path}.${bytes(8).toString('hex')}`;
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  try {
    const handle = await open(aside, 'wx', 0o600);
    try {
      await handle.writeFile(`${JSON.stringify(known)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(aside, path);
  } catch (error) {
    await rm(aside, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
};
