import {
  type AuthMethod,
  authMethodOf,
  type OAuthCodeMethod,
  type ProviderDefinition,
  parseConfig,
} from '@authpipe/providers';
import type { FieldError } from '@authpipe/types';
import type { ConnectionRecord } from '../credentials/credential-record.js';
import { Problem } from '../errors/problem.js';
import type { ConnectIntegration } from './connect-integrations.js';
import { standaloneMethods } from './standalone-methods.js';

/** Settings by name. */
export type Settings = Readonly<Record<string, string>>;

/** Something that the session allows to be connected, with the definition behind it. */
export interface ConnectChoice {
  /** As the app knows it: the integration's, or the provider's where nothing has to be set up. */
  readonly integrationId: string;
  /** Null where a person types all that it takes, and no OAuth client of the app's takes part. */
  readonly integration: ConnectIntegration | null;
  readonly definition: ProviderDefinition;
  readonly method: AuthMethod;
  /** The integration's settings, with those of the connection where it has none. */
  readonly config: Settings;
  /** Required settings that nobody has given yet. */
  readonly missing: readonly string[];
}

/** A choice that leads to the provider and back. */
export interface OAuthChoice extends ConnectChoice {
  readonly integration: ConnectIntegration;
  readonly method: OAuthCodeMethod;
}

/** Whether a choice leads to the provider, or to a form of ours. */
export const isOAuthChoice = (choice: ConnectChoice): choice is OAuthChoice =>
  choice.integration !== null && choice.method.kind === 'oauth2';

/** What a person can pick on the hosted page. */
export interface ConnectOption {
  /** The integration's row, or the provider where a typed setting decides between several, or provider and method. */
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
  /** The connection to be mended: it is mended in the way in which it was made. */
  readonly reconnected?: ConnectionRecord | null;
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
const isMeant = (integration: ConnectIntegration | null, given: Settings): boolean =>
  Object.entries(integration?.config ?? {}).every(
    ([field, value]) => given[field] === undefined || given[field] === value,
  );

type Candidate = Pick<ConnectChoice, 'integrationId' | 'integration' | 'definition' | 'method'>;

const toChoice = (
  candidate: Candidate,
  given: Settings,
  allowLoopback: boolean,
): { choice: ConnectChoice | null; errors: FieldError[] } => {
  const { integration, definition } = candidate;
  const { config: read, errors } = readSettings(definition, given, allowLoopback);
  if (errors.length > 0 || !isMeant(integration, read)) return { choice: null, errors };
  const config = { ...read, ...integration?.config };
  const missing = Object.entries(definition.config)
    .filter(([field, { required }]) => required && config[field] === undefined)
    .map(([field]) => field);
  return { choice: { ...candidate, config, missing }, errors: [] };
};

/** The integrations that are set up. Those that speak for themselves are only offered by name: they are nobody's account. */
const setUp = (
  available: readonly ConnectIntegration[],
  named: readonly string[],
  { findProvider }: ChoiceOptions,
): Candidate[] =>
  available.flatMap((integration) => {
    const { integrationId } = integration;
    const definition = findProvider(integration.provider);
    const method = definition && authMethodOf(definition, integration.authMethod);
    const isOffered =
      method?.kind === 'oauth2' || (method?.kind === 'client_credentials' && named.includes(integrationId));
    return definition && method && isOffered ? [{ integrationId, integration, definition, method }] : [];
  });

/** What takes no setting up: a provider that is named, and was not set up under its own name. */
const standingAlone = (
  available: readonly ConnectIntegration[],
  { integrations, chosen, reconnected }: ChoiceFilter,
  { findProvider }: ChoiceOptions,
): Candidate[] => {
  if (reconnected) {
    const definition = reconnected.integrationRowId === null ? findProvider(reconnected.provider) : undefined;
    const method = definition && authMethodOf(definition, reconnected.authMethod);
    const { integrationId } = reconnected;
    const isTyped = method !== undefined && method.kind !== 'oauth2';
    return definition && isTyped ? [{ integrationId, integration: null, definition, method }] : [];
  }
  const named = integrations.length === 0 && chosen !== null ? [chosen] : integrations;
  return named
    .filter((id) => !available.some(({ integrationId }) => integrationId === id))
    .flatMap((integrationId) => {
      const definition = findProvider(integrationId);
      if (!definition) return [];
      return standaloneMethods(definition).map((method) => ({
        ...{ integrationId, integration: null, definition, method },
      }));
    });
};

/** Picks what a session may connect. @throws Problem `invalid_request` when the settings fit none because they are wrong */
export const findChoices = (
  available: readonly ConnectIntegration[],
  filter: ChoiceFilter,
  options: ChoiceOptions,
): ConnectChoice[] => {
  const { integrations, chosen, config, reconnected } = filter;
  // What was typed once is typed again, though a client may have been set up under the same name since.
  const usable = reconnected?.integrationRowId === null ? [] : available;
  const allowed = [
    ...setUp(usable, integrations, options).filter(
      ({ integrationId }) => integrations.length === 0 || integrations.includes(integrationId),
    ),
    ...standingAlone(available, filter, options),
  ];
  const named = allowed.filter(({ integrationId }) => integrationId === chosen);
  const ofProvider = allowed.filter(({ definition }) => definition.id === chosen);
  const wanted = chosen === null ? allowed : named.length > 0 ? named : ofProvider;
  const found = wanted.map((candidate) => toChoice(candidate, config, options.allowLoopback));
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
  [session.scopes, integration?.scopes ?? []].find(({ length }) => length > 0) ??
  ('defaultScopes' in method ? method.defaultScopes : []);

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
      id: choice.integration?.rowId ?? `${choice.integrationId}.${choice.method.id}`,
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
