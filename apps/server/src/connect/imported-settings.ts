import { type ProviderDefinition, parseConfig } from '@authpipe/providers';
import type { FieldError } from '@authpipe/types';
import { Problem } from '../errors/problem.js';
import type { Settings } from './session-choices.js';

/** A fault of one field of an import. */
export const invalidField = (pointer: string, detail: string): Problem =>
  new Problem('invalid_request', `The body field ${pointer} is not valid: ${detail}.`, {
    errors: [{ pointer, detail }],
  });

/** A host that comes with an import may pick the integration of that host, and never send its secret to another. */
const refuseOtherHosts = (given: Settings | undefined, used: Settings): void => {
  for (const [field, value] of Object.entries(given ?? {})) {
    if (used[field] !== undefined && used[field] !== value.trim().toLowerCase() && used[field] !== value) {
      throw invalidField(
        `/config/${field}`,
        'differs from the integration’s: leave it out, or set up an integration for it',
      );
    }
  }
};

/**
 * The settings that an imported connection goes by, in the form that is stored: the integration's, with those of the
 * import where it has none. @throws Problem `invalid_request` with a pointer to each fault
 */
export const importedSettings = (
  definition: ProviderDefinition,
  given: Settings | undefined,
  ofIntegration: Settings | undefined,
  allowLoopback: boolean,
): Record<string, string> => {
  const parsed = parseConfig(definition, { ...given, ...ofIntegration }, { allowLoopback });
  if (!parsed.ok) {
    const errors: FieldError[] = parsed.errors.map(({ field, error, suggestion }) => ({
      pointer: `/config/${field}`,
      detail: suggestion === undefined ? error : `${error} Try ${suggestion}.`,
    }));
    throw new Problem('invalid_request', `The settings for ${definition.name} are not valid: see errors.`, {
      errors,
    });
  }
  refuseOtherHosts(given, parsed.config);
  return parsed.config;
};
