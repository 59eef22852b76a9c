import type { ProviderDefinition } from '@authpipe/providers';
import type { ConnectOption } from '../../connect/session-choices.js';
import { type Faults, formField } from './form-field.js';
import { type Html, html } from './html.js';

/** A setting to be typed, as the definition describes it. */
export const configField = (
  name: string,
  { config }: ProviderDefinition,
  typed: string,
  faults: Faults,
): Html => {
  const field = config[name];
  if (!field) return html``;
  const { label, example, description, helpUrl, options } = field;
  const described = { label, example, description, helpUrl, options };
  return formField(
    { name: `config.${name}`, pointer: `/config/${name}`, value: typed, ...described },
    faults,
  );
};

/** The settings that are not asked for: rows of a list. */
export const fixedSettings = ({ definition, choices: [first], asks }: ConnectOption): Html[] =>
  Object.entries(definition.config).flatMap(([name, field]) => {
    const value = first.config[name];
    return value === undefined || asks.includes(name)
      ? []
      : [html`<div><dt>${field.label}</dt><dd>${value}</dd></div>`];
  });
