import type { ParsedField } from './definition.js';

/** A value of a `choice` field, as forms list it. */
export interface Option {
  readonly value: string;
  readonly label: string;
}

/**
 * Finds the option that a person or a program means: by its value, by its label, or by a URL whose host is the value
 * (`https://api.eu-1.crowdstrike.com/`). Case and white space around it don't matter.
 *
 * @param shorten Brings a host to the form of the values, where they are not whole hosts.
 */
export function parseOption(
  typed: string,
  options: readonly Option[],
  shorten: (host: string) => string = (host) => host,
): ParsedField {
  const text = typed.trim().toLowerCase();
  const host = text.replace(/^https:\/\//, '').replace(/\/$/, '');
  const found = options.find(
    ({ value, label }) => value === text || label.toLowerCase() === text || value === shorten(host),
  );
  if (found) return { ok: true, value: found.value };
  const choices = options.map(({ value, label }) => `${value} (${label})`).join(', ');
  return { ok: false, error: `That is none of the choices. Give one of: ${choices}.` };
}
