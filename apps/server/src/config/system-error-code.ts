/** The operating system's word for what went wrong (`ENOENT`, `EACCES`), for sentences that tell a person about a file. */
export const systemErrorCode = (error: unknown): string => {
  const code: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' ? code : 'unknown error';
};
