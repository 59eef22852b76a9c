import type { ProviderDefinition } from '@authpipe/providers';
import { addSeconds, type Clock } from '../../clock.js';
import { Problem } from '../../errors/problem.js';
import type { Logger } from '../../log/logger.js';
import { newId, type Randomness } from '../../randomness.js';
import { asPerson } from '../as-person.js';
import { ConnectRefusal } from '../connect-refusal.js';
import type { ConnectSession } from '../connect-session.js';
import { sameHash, secretHash } from '../secret-hash.js';
import { linkCodeHash, newSecret } from '../session-token.js';
import { type AppSetup, missingApp, setupMethodsOf } from './app-setup.js';
import type { AppSetupStore } from './app-setup-store.js';
import { asAdministrator } from './as-administrator.js';
import { checkGivenSettings, ownSettings } from './given-settings.js';
import { writeSetupAuditLine } from './setup-audit-line.js';
import type { SetupIntegrations } from './setup-integrations.js';

/** A week: whoever is asked may be on holiday for some of it. */
const LINK_SECONDS = 7 * 86_400;

export interface OpenSetupDependencies {
  readonly setups: AppSetupStore;
  readonly integrations: SetupIntegrations;
  readonly findProvider: (id: string) => ProviderDefinition | undefined;
  readonly allowLoopback: boolean;
  /** Without a trailing slash. */
  readonly publicUrl: string;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly log: Logger;
}

/** For which app a set-up is, and who asks for it. */
export interface NewSetup extends Pick<AppSetup, 'environment' | 'tenantId' | 'integrationId' | 'provider'> {
  readonly asker?: string | null;
  readonly scopes?: readonly string[];
  readonly config?: Readonly<Record<string, string>>;
  readonly lifetimeSeconds?: number;
  readonly session?: Pick<ConnectSession, 'id' | 'browserHash'>;
}

/** A link to a set-up. Whoever has it may set this one app up, and do nothing else. */
export interface SetupLink {
  readonly id: string;
  readonly url: string;
  readonly expiresAt: Date;
}

/** What a session may offer to set up. */
export interface SetupOffer {
  readonly definition: ProviderDefinition;
  readonly integrationId: string;
}

/** Makes set-ups, gives out their links, and binds them to browsers by a person's own click. */
export const createOpenSetup = ({
  setups,
  integrations,
  findProvider,
  allowLoopback,
  publicUrl,
  clock,
  randomness,
  log,
}: OpenSetupDependencies) => {
  const create = async (wanted: NewSetup): Promise<{ setup: AppSetup; code: string }> => {
    const { environment, tenantId, integrationId, provider, session } = wanted;
    const { asker = null, scopes = [], config = {}, lifetimeSeconds = LINK_SECONDS } = wanted;
    const now = clock.now();
    const code = newSecret(randomness);
    const existing = await integrations.getIntegration({ environment, tenantId, integrationId });
    const sibling = await setups.findSibling(wanted, now);
    const setup: AppSetup = {
      id: newId('setup', randomness),
      ...{ environment, tenantId, integrationId, provider, asker, scopes },
      // The key set of an app has one address, whoever sets it up and however often.
      integrationRowId: existing?.rowId ?? sibling?.integrationRowId ?? newId('int', randomness),
      // An app that is there stays where it is, unless whoever may write integrations says otherwise.
      given: { ...existing?.config, ...config },
      config: {},
      browserHash: session?.browserHash ?? null,
      sessionId: session?.id ?? null,
      clientJwk: null,
      createdAt: now,
      expiresAt: addSeconds(now, lifetimeSeconds),
      finishedAt: null,
    };
    await setups.insert(setup, secretHash(code));
    return { setup, code };
  };

  const linkTo = (code: string): string => `${publicUrl}/connect/setup?code=${code}`;

  const requireOpen = (setup: AppSetup): AppSetup => {
    if (setup.finishedAt !== null) throw new ConnectRefusal('setup_done');
    if (setup.expiresAt <= clock.now()) throw new ConnectRefusal('link_expired');
    return setup;
  };

  const findByCode = async (code: string): Promise<AppSetup> => {
    const hash = linkCodeHash(code);
    const setup = hash && (await setups.findByLinkHash(hash));
    if (!setup) throw new ConnectRefusal('unknown_link');
    return requireOpen(setup);
  };

  /** What a session would connect, where that is an app which the tenant does not have yet and may set up. */
  const offerOf = async (session: ConnectSession): Promise<SetupOffer | null> => {
    const { permissions, integrations: allowed, chosen, reconnectId, environment, tenantId } = session;
    const integrationId = chosen ?? (allowed.length === 1 ? allowed[0] : undefined);
    const isAllowed =
      integrationId !== undefined && (allowed.length === 0 || allowed.includes(integrationId));
    if (!isAllowed || reconnectId !== null || !permissions.includes('setup')) return null;
    const usable = await integrations.findIntegrations({ environment, tenantId });
    const definition = missingApp(integrationId, usable, findProvider);
    return definition && { definition, integrationId };
  };

  return {
    offerOf,

    /**
     * Makes a set-up with a link, for an app's backend.
     * @throws Problem `invalid_request` for a provider whose app nobody sets up, and for a setting that is wrong
     */
    async createLink(wanted: NewSetup): Promise<SetupLink> {
      const definition = findProvider(wanted.provider);
      if (!definition || setupMethodsOf(definition).length === 0) {
        const detail =
          'must be a provider whose OAuth app each customer makes in an organization of its own.';
        throw new Problem('invalid_request', `There is nothing to set up: provider ${detail}`, {
          errors: [{ pointer: '/provider', detail }],
        });
      }
      checkGivenSettings(definition, wanted.config ?? {}, allowLoopback);
      const { setup, code } = await create(wanted);
      writeSetupAuditLine(log, setup, { audit: 'setup.link_made' });
      return { id: setup.id, url: linkTo(code), expiresAt: setup.expiresAt };
    },

    /** Begins what a session offers, in the session's own browser. @throws ConnectRefusal `nothing_to_connect` */
    async begin(session: ConnectSession, asker: string | null): Promise<AppSetup> {
      const offer = await offerOf(session);
      const { id, browserHash, environment, tenantId, scopes } = session;
      if (!offer) throw new ConnectRefusal('nothing_to_connect', { sessionId: id });
      const { integrationId, definition } = offer;
      const place = { environment, tenantId, integrationId, provider: definition.id };
      const config = ownSettings(definition, session.config);
      return asPerson(session, async () => {
        const wanted = { ...place, asker, scopes, config, session: { id, browserHash } };
        return (await create(wanted)).setup;
      });
    },

    /** Looks at a link without changing anything: mail scanners and previews do the same. @throws ConnectRefusal */
    peek: findByCode,

    /**
     * Takes a link into this browser, by the person's own click. It works until the app is set up: whoever is in the
     * middle may go on the next day, or elsewhere.
     * @throws ConnectRefusal
     */
    async openByLink(code: string, known: string | null): Promise<{ setup: AppSetup; browserId: string }> {
      const setup = await findByCode(code);
      const browserId = known ?? newSecret(randomness);
      const isBound = await asAdministrator(setup, () =>
        setups.bind(setup, secretHash(browserId), clock.now()),
      );
      if (!isBound) throw new ConnectRefusal('setup_done');
      writeSetupAuditLine(log, setup, { audit: 'setup.opened' });
      return { setup, browserId };
    },

    /** The set-up of an address, for the browser that it is in. @throws ConnectRefusal `unknown_setup`, `other_browser` */
    async enter(id: string, browserId: string | null): Promise<AppSetup> {
      const setup = await setups.findById(id);
      if (!setup) throw new ConnectRefusal('unknown_setup');
      const browserHash = browserId === null ? null : secretHash(browserId);
      if (!sameHash(setup.browserHash, browserHash)) throw new ConnectRefusal('other_browser');
      if (setup.finishedAt === null) requireOpen(setup);
      return setup;
    },

    /** Another link to it, good for a week; the one before works no more. @throws ConnectRefusal when it is over */
    async forward(setup: AppSetup): Promise<SetupLink> {
      const { id } = setup;
      const now = clock.now();
      const code = newSecret(randomness);
      const expiresAt = addSeconds(now, LINK_SECONDS);
      const link = { linkHash: secretHash(code), expiresAt };
      if (!(await asAdministrator(setup, () => setups.renewLink(setup, link, now)))) {
        throw new ConnectRefusal('setup_done');
      }
      writeSetupAuditLine(log, setup, { audit: 'setup.link_made' });
      return { id, url: linkTo(code), expiresAt };
    },
  };
};
