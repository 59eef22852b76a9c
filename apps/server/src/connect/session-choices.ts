import {
  authMethodOf,
  type OAuthCodeMethod,
  type ProviderDefinition,
  parseConfig,
} from '@authpipe/providers';
import type { FieldError } from '@authpipe/types';
import { Problem } from '../errors/problem.js';
import type { ConnectIntegration } from './connect-integrations.js';

/** Settings by name. */
export type Settings = Readonly<Record<string, string>>;

/** An integration that the session allows, with the definition behind it. */
export interface ConnectChoice {
  readonly integration: ConnectIntegration;
  readonly definition: ProviderDefinition;
  readonly method: OAuthCodeMethod;
  /** The integration's settings, with those of the connection where it has none. */
  readonly config: Settings;
  /** Required settings that nobody has given yet. */
  readonly missing: readonly string[];
}

/** What a person can pick on the hosted page. */
export interface ConnectOption {
  /** The integration's row, or the provider where a typed setting decides between several. */
  readonly id: string;
  readonly definition: ProviderDefinition;
  readonly choices: readonly [ConnectChoice, ...ConnectChoice[]];
  /** Settings to be typed. */
  readonly asks: readonly string[];
}

/** Which integrations are wanted; an empty list wants all. */
export interface ChoiceFilter {
  readonly integrations: readonly string[];
  /** What a button asked for: an integration's id, or a provider's. */
  readonly chosen: string | null;
  /** Settings that somebody gave. They pick, they never redirect: the integration's own always win. */
  readonly config: Settings;
}

export interface ChoiceOptions {
  readonly findProvider: (id: string) => ProviderDefinition | undefined;
  readonly allowLoopback: boolean;
}

/** Given settings in the form that is stored, and what is wrong with them. */
const readSettings = (
  definition: ProviderDefinition,
  given: Settings,
  allowLoopback: boolean,
): { config: Settings; errors: FieldError[] } => {
  const config: Record<string, string> = {};
  const errors: FieldError[] = [];
  for (const [field, rules] of Object.entries(definition.config)) {
    const value = Object.hasOwn(given, field) ? given[field] : undefined;
    if (value === undefined || value.trim() === '') continue;
    const alone = { name: definition.name, config: { [field]: rules } };
    const parsed = parseConfig(alone, { [field]: value }, { allowLoopback });
    if (parsed.ok) Object.assign(config, parsed.config);
    else errors.push(...parsed.errors.map(({ error }) => ({ pointer: `/config/${field}`, detail: error })));
  }
  return { config, errors };
};

/**
 * Whether an integration is meant by the given settings. Its own are fixed: another value for one of them means another
 * integration, and never sends this one's client secret elsewhere.
 */
const isMeant = ({ config: own }: ConnectIntegration, given: Settings): boolean =>
  Object.entries(own).every(([field, value]) => given[field] === undefined || given[field] === value);

const toChoice = (
  integration: ConnectIntegration,
  given: Settings,
  { findProvider, allowLoopback }: ChoiceOptions,
): { choice: ConnectChoice | null; errors: FieldError[] } => {
  const definition = findProvider(integration.provider);
  const method = definition && authMethodOf(definition, integration.authMethod);
  if (!definition || method?.kind !== 'oauth2') return { choice: null, errors: [] };
  const { config: read, errors } = readSettings(definition, given, allowLoopback);
  if (errors.length > 0 || !isMeant(integration, read)) return { choice: null, errors };
  const config = { ...read, ...integration.config };
  const missing = Object.entries(definition.config)
    .filter(([field, { required }]) => required && config[field] === undefined)
    .map(([field]) => field);
  return { choice: { integration, definition, method, config, missing }, errors: [] };
};

/** Picks what a session may connect. @throws Problem `invalid_request` when the settings fit none because they are wrong */
export const findChoices = (
  available: readonly ConnectIntegration[],
  { integrations, chosen, config }: ChoiceFilter,
  options: ChoiceOptions,
): ConnectChoice[] => {
  const allowed = available.filter(
    ({ integrationId }) => integrations.length === 0 || integrations.includes(integrationId),
  );
  const named = allowed.filter(({ integrationId }) => integrationId === chosen);
  const ofProvider = allowed.filter(({ provider }) => provider === chosen);
  const wanted = chosen === null ? allowed : named.length > 0 ? named : ofProvider;
  const found = wanted.map((integration) => toChoice(integration, config, options));
  const choices = found.flatMap(({ choice }) => choice ?? []);
  // Several integrations of one provider find the same fault.
  const errors = [
    ...new Map(found.flatMap((each) => each.errors).map((error) => [JSON.stringify(error), error])).values(),
  ];
  if (choices.length === 0 && errors.length > 0) {
    throw new Problem('invalid_request', 'The settings do not fit the provider: see errors.', { errors });
  }
  return choices;
};

/** The scopes to ask for: the session's, else the integration's, else the definition's. Implied ones are not among them. */
export const chosenScopes = (
  session: { readonly scopes: readonly string[] },
  { integration, method }: Pick<ConnectChoice, 'integration' | 'method'>,
): readonly string[] =>
  [session.scopes, integration.scopes].find(({ length }) => length > 0) ?? method.defaultScopes;

/** The hosts that an integration is bound to: what tells two integrations of one provider apart for a person. */
const hostFields = ({ config }: ProviderDefinition): string[] =>
  Object.keys(config).filter((field) => config[field]?.kind === 'host');

/**
 * What to show. Integrations of one provider on different hosts are not listed: the hosts are other customers' names. The
 * person types theirs, and that picks.
 */
export const toOptions = (choices: readonly ConnectChoice[]): ConnectOption[] => {
  const providers = [...new Set(choices.map(({ definition }) => definition.id))];
  return providers.flatMap((provider): ConnectOption[] => {
    const group = choices.filter(({ definition }) => definition.id === provider);
    const [first, ...rest] = group;
    if (!first) return [];
    const { definition } = first;
    const fields = hostFields(definition);
    const hostsOf = ({ config }: ConnectChoice) => JSON.stringify(fields.map((field) => config[field]));
    if (new Set(group.map(hostsOf)).size > 1) {
      return [{ id: definition.id, definition, choices: [first, ...rest], asks: fields }];
    }
    return group.map((choice) => ({
      id: choice.integration.rowId,
      definition,
      choices: [choice],
      asks: choice.missing,
    }));
  });
};

/** What the typed settings pick of an option: one complete choice, or what to tell the person. */
export const pickChoice = (
  { definition, choices, asks }: ConnectOption,
  typed: Settings,
  allowLoopback: boolean,
): { readonly choice: ConnectChoice } | { readonly errors: readonly FieldError[] } => {
  const { config, errors } = readSettings(definition, typed, allowLoopback);
  const empty = asks
    .filter((field) => (typed[field] ?? '').trim() === '')
    .map((field) => ({
      pointer: `/config/${field}`,
      detail: `Type ${definition.config[field]?.label ?? field}, such as ${definition.config[field]?.example ?? ''}.`,
    }));
  if (errors.length + empty.length > 0) return { errors: [...errors, ...empty] };
  const fits = choices.filter(
    (choice) =>
      isMeant(choice.integration, config) && choice.missing.every((field) => config[field] !== undefined),
  );
  const [choice] = fits;
  if (choice && fits.length === 1) {
    return { choice: { ...choice, config: { ...config, ...choice.config }, missing: [] } };
  }
  const [field] = asks;
  const given = field === undefined ? definition.name : config[field];
  return {
    errors: [
      {
        pointer: field === undefined ? '' : `/config/${field}`,
        detail: `The app is not set up for ${given}. Check what you typed, or ask the people who run the app.`,
      },
    ],
  };
};
