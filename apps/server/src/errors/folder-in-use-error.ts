import { StartError } from './start-error.js';

/** Another process, most often the server, has the embedded database open. */
export class FolderInUseError extends StartError {
  constructor(folder: string, options?: ErrorOptions) {
    super(
      `The embedded database in ${folder} is open in another process: stop that one, or give this one another AUTHPIPE_DATA_DIR, or use a real Postgres with DATABASE_URL.`,
      options,
    );
  }
}
