import type { SecretField, TypedMethod } from '@authpipe/providers';
import type { FieldError } from '@authpipe/types';

/** What a person has to type, by name and in the order of the form. */
export type TypedFields = Readonly<Record<string, SecretField>>;

/** Longer than any key; what is longer was pasted by mistake. */
const LIMIT_CHARACTERS = 8_192;

const OWN_CLIENT: TypedFields = {
  clientId: { label: 'Client ID', example: '', secret: false },
  clientSecret: { label: 'Client secret', example: '', secret: true },
};

/** The fields of a method. Nothing is typed where the client is the integration's. */
export const typedFieldsOf = (method: TypedMethod, hasOwnClient: boolean): TypedFields => {
  if (method.kind !== 'client_credentials') return method.fields;
  return hasOwnClient ? (method.fields ?? OWN_CLIENT) : {};
};

const faultOf = (value: string, { label, pattern, example }: SecretField): string | null => {
  const such = example === '' ? '' : ` It looks like ${example}.`;
  if (value === '') return `${label} is missing.${such}`;
  if (value.length > LIMIT_CHARACTERS) return `${label} is too long.${such}`;
  return pattern === undefined || new RegExp(`^(?:${pattern})$`).test(value)
    ? null
    : `This does not look like ${label.toLowerCase().startsWith('api') ? 'an' : 'a'} ${label}: check that you copied all of it, and nothing else.${such}`;
};

/**
 * Reads what was typed. Space around a value comes from copying and is left out; a password may begin or end with one.
 * The errors never hold what was typed.
 */
export const readTypedFields = (
  fields: TypedFields,
  given: Readonly<Record<string, string>>,
): { values: Record<string, string>; errors: FieldError[] } => {
  const values: Record<string, string> = {};
  const errors: FieldError[] = [];
  for (const [name, field] of Object.entries(fields)) {
    const typed = Object.hasOwn(given, name) ? (given[name] ?? '') : '';
    const value = name === 'password' ? typed : typed.trim();
    const fault = faultOf(value, field);
    if (fault === null) values[name] = value;
    else errors.push({ pointer: `/credential/${name}`, detail: fault });
  }
  return { values, errors };
};
