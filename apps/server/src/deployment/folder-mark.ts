import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

/** Tells a folder from its copy: inode and time of birth of a file in it that is never written anew. */
export const folderMark = z.object({ inode: z.string(), bornNanos: z.string() });
export type FolderMark = z.output<typeof folderMark>;

/** The mark of the embedded database in a data folder; `null` where there is none, or the file system knows no time of birth. */
export const readFolderMark = async (dataDir: string): Promise<FolderMark | null> => {
  const found = await stat(join(dataDir, 'database', 'PG_VERSION'), { bigint: true }).catch(() => null);
  if (!found || found.birthtimeNs === 0n) return null;
  return { inode: String(found.ino), bornNanos: String(found.birthtimeNs) };
};

/**
 * Whether a folder is a copy of the one that was marked. Both have to differ: file systems over a network give other inodes
 * after each mount, and a restart on the same folder must not look like a copy. So a snapshot of a whole disk is not told.
 */
export const isCopiedFolder = (marked: FolderMark | null, found: FolderMark | null): boolean =>
  marked !== null && found !== null && marked.inode !== found.inode && marked.bornNanos !== found.bornNanos;
