import { FolderInUseError } from '../errors/folder-in-use-error.js';
import { StartError } from '../errors/start-error.js';

/**
 * Runs what looks into the database of a server.
 * @param otherwise what to do while that has the embedded one open: another folder would be another database
 * @throws StartError with that sentence
 */
export const orAskServer = async (otherwise: string, run: () => Promise<void>): Promise<void> => {
  try {
    await run();
  } catch (error) {
    if (!(error instanceof FolderInUseError)) throw error;
    throw new StartError(`A server has the embedded database open: ${otherwise}.`, { cause: error });
  }
};
