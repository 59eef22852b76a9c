import { readFileSync } from 'node:fs';
import { StartError } from '../errors/start-error.js';
import { systemErrorCode } from './system-error-code.js';

/** Variables as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The value of a variable, or of the file that `NAME_FILE` names, as Docker and Kubernetes mount secrets; white space
 * around it is left out. An empty value is none: compose files can't leave a variable out.
 * @throws StartError when both are given, or the file can't be read
 */
export const readVariable = (environment: Environment, name: string): string | undefined => {
  const value = environment[name]?.trim() || undefined;
  const path = environment[`${name}_FILE`]?.trim() || undefined;
  if (path === undefined) return value;
  if (value !== undefined) throw new StartError(`Give either ${name} or ${name}_FILE, not both.`);
  try {
    return readFileSync(path, 'utf8').trim() || undefined;
  } catch (error) {
    throw new StartError(
      `${name}_FILE names ${path}, which can't be read (${systemErrorCode(error)}): correct the path or the file's owner.`,
    );
  }
};
