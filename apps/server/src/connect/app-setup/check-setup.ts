import { type ProviderDefinition, parseConfig } from '@authpipe/providers';
import type { FieldError } from '@authpipe/types';
import type { Clock } from '../../clock.js';
import { Problem } from '../../errors/problem.js';
import type { ClientKey } from '../../integrations/client-key.js';
import type { Logger } from '../../log/logger.js';
import type { OAuth, OAuthTarget, Preflight } from '../../oauth/oauth.js';
import { ConnectRefusal } from '../connect-refusal.js';
import type { Settings } from '../session-choices.js';
import { readTypedFields, type TypedFields } from '../typed-fields.js';
import { type AppSetup, type SetupMethod, setupMethodsOf, setupScopes } from './app-setup.js';
import type { AppSetupStore } from './app-setup-store.js';
import { asAdministrator } from './as-administrator.js';
import { writeSetupAuditLine } from './setup-audit-line.js';
import type { SetupIntegrations } from './setup-integrations.js';

export interface CheckSetupDependencies {
  readonly setups: Pick<AppSetupStore, 'saveSettings' | 'openKey' | 'finish' | 'noteTrial'>;
  readonly integrations: SetupIntegrations;
  readonly oauth: Pick<OAuth, 'preflight'>;
  readonly createClientKey: () => Promise<ClientKey>;
  readonly findProvider: (id: string) => ProviderDefinition | undefined;
  readonly allowLoopback: boolean;
  /** Without a trailing slash. */
  readonly publicUrl: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What an administrator sent. `credential` is secret. */
export interface SetupForm {
  readonly methodId: string;
  readonly credential: Settings;
}

/** How the trial went. Only what works is saved. */
export interface SetupTrial extends Preflight {
  readonly isSaved: boolean;
}

/** What is typed of an app: of one that signs there is no secret. */
export const appFields = ({ clientAuthentication }: SetupMethod): TypedFields => ({
  clientId: { label: 'Client ID', example: '', secret: false },
  ...(clientAuthentication === 'private_key_jwt'
    ? {}
    : { clientSecret: { label: 'Client secret', example: '', secret: true } }),
});

/** Whether an app works as far as can be known: nothing is missing, and the provider knows it. */
const isUsable = ({ findings }: Preflight): boolean =>
  findings.every(({ result }) => result !== 'missing') &&
  findings.some(({ step, result }) => step === 'client' && result === 'ok');

/** Takes what an administrator types, tries it at the provider, and saves what works as the tenant's integration. */
export const createCheckSetup = ({
  setups,
  integrations,
  oauth,
  createClientKey,
  findProvider,
  allowLoopback,
  publicUrl,
  clock,
  log,
}: CheckSetupDependencies) => {
  const refuse = (errors: readonly FieldError[]) => new ConnectRefusal('wrong_settings', { errors });

  const definitionOf = (setup: AppSetup): ProviderDefinition => {
    const definition = findProvider(setup.provider);
    if (!definition) throw new ConnectRefusal('nothing_to_connect');
    return definition;
  };

  const requireOpen = ({ finishedAt }: AppSetup): void => {
    if (finishedAt !== null) throw new ConnectRefusal('setup_done');
  };

  const noteTrial = async (setup: AppSetup, outcome: string, tried: Preflight): Promise<void> => {
    const missing = tried.findings.filter(({ result }) => result === 'missing').map(({ step }) => step);
    writeSetupAuditLine(log, setup, { audit: 'setup.tried', outcome, missing });
    await setups.noteTrial(setup, outcome, missing, clock.now());
  };

  const save = async (setup: AppSetup, target: OAuthTarget, dpop: boolean): Promise<void> => {
    const { environment, tenantId, integrationId, integrationRowId: rowId } = setup;
    const place = { environment, tenantId, integrationId };
    const existing = await integrations.getIntegration(place);
    if (existing && existing.rowId !== rowId) {
      throw refuse([{ pointer: '', detail: 'Somebody else set this app up meanwhile. Ask for a new link.' }]);
    }
    const { definition, method, config, client } = target;
    const { clientId, clientSecret, clientKey } = client;
    const request = {
      ...{ provider: definition.id, authMethod: method.id, clientId, config: { ...config }, dpop },
      ...(setup.scopes.length > 0 ? { scopes: [...setup.scopes] } : {}),
      ...(clientSecret === null ? {} : { clientSecret }),
      ...(clientKey ? { clientPrivateKey: { ...clientKey } } : {}),
    };
    try {
      await integrations.putIntegration({ ...place, rowId, request });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      throw refuse([{ pointer: '', detail: error.message }]);
    }
    await setups.finish(setup, clock.now());
  };

  return {
    /** Whether it is known where the app is, so that the guide can be shown. */
    hasSettings(setup: AppSetup): boolean {
      const definition = definitionOf(setup);
      const needsKey = setupMethodsOf(definition).some(
        ({ clientAuthentication }) => clientAuthentication === 'private_key_jwt',
      );
      const isTyped = Object.entries(definition.config).every(
        ([field, { required }]) => !required || setup.config[field] !== undefined,
      );
      // Settings that came with the link are not confirmed before the key for them is made.
      return isTyped && (setup.clientJwk !== null || !needsKey);
    },

    /**
     * Takes where the app is, and makes the key that it may sign with. The same again changes nothing.
     * @throws ConnectRefusal `wrong_settings`, `setup_done`
     */
    async saveSettings(setup: AppSetup, typed: Settings): Promise<void> {
      requireOpen(setup);
      const definition = definitionOf(setup);
      const parsed = parseConfig(definition, { ...typed, ...setup.given }, { allowLoopback });
      if (!parsed.ok) {
        throw refuse(
          parsed.errors.map(({ field, error, suggestion }) => ({
            pointer: `/config/${field}`,
            detail: suggestion === undefined ? error : `${error} Did you mean ${suggestion}?`,
          })),
        );
      }
      const isSame = Object.entries(parsed.config).every(([field, value]) => setup.config[field] === value);
      if (isSame && setup.clientJwk !== null) return;
      const signs = setupMethodsOf(definition).some(
        ({ clientAuthentication }) => clientAuthentication === 'private_key_jwt',
      );
      // A key that is known to one organization is not shown to another.
      const key = signs ? await createClientKey() : null;
      await setups.saveSettings(setup, { config: parsed.config, key });
    },

    /**
     * Tries the app, and saves it if nothing is missing. What was typed is not repeated in any answer.
     * @throws ConnectRefusal `wrong_settings`, `setup_done`
     */
    async tryApp(setup: AppSetup, { methodId, credential }: SetupForm): Promise<SetupTrial> {
      requireOpen(setup);
      const definition = definitionOf(setup);
      const method = setupMethodsOf(definition).find(({ id }) => id === methodId);
      if (!method) throw new ConnectRefusal('nothing_to_connect');
      const { values, errors } = readTypedFields(appFields(method), credential);
      if (errors.length > 0) throw refuse(errors);
      const { clientId = '', clientSecret = null } = values;
      const signs = method.clientAuthentication === 'private_key_jwt';
      const client = { clientId, clientSecret, clientKey: signs ? await setups.openKey(setup) : null };
      const target = { definition, method, config: setup.config, client };
      const found = await oauth.preflight(target, {
        redirectUri: `${publicUrl}/connect/callback`,
        scopes: setupScopes(setup, method),
      });
      const isSaved = isUsable(found);
      await asAdministrator(setup, async () => {
        await noteTrial(setup, isSaved ? 'ok' : 'not_saved', found);
        if (isSaved) await save(setup, target, found.demandsDpop);
      });
      return { ...found, isSaved };
    },
  };
};
