import type { TypedMethod } from '@authpipe/providers';
import type { FieldError } from '@authpipe/types';
import type { Clock } from '../clock.js';
import type { CredentialSecrets } from '../credentials/credential-record.js';
import { accessTokenExpiry } from '../credentials/refresh-schedule.js';
import { createDpopKey } from '../oauth/dpop-key.js';
import type { OAuthClient } from '../oauth/oauth.js';
import { asPerson } from './as-person.js';
import { overtaken } from './attempt-outcome.js';
import type { AuditedResult, WriteAuditLine } from './audit-line.js';
import type { ConnectConnections, ConnectIntegrations } from './connect-integrations.js';
import { ConnectRefusal } from './connect-refusal.js';
import { type ConnectSession, statusOf } from './connect-session.js';
import type { ConnectSessionStore } from './connect-session-store.js';
import type { HeldCredentialStore } from './held-credential-store.js';
import type { Proof, ProveTyped } from './prove-typed.js';
import { type ConnectChoice, type ConnectOption, chosenScopes, type Settings } from './session-choices.js';
import { readTypedFields, typedFieldsOf } from './typed-fields.js';
import { newGrantOf, serializeTypedGrant, type TypedGrant } from './typed-grant.js';

/** What a person sent with the hosted form. Secret. */
export interface TypedForm {
  readonly optionId: string;
  readonly config: Settings;
  readonly credential: Settings;
}

export interface SaveTypedDependencies {
  readonly sessions: Pick<ConnectSessionStore, 'findById' | 'settle'>;
  readonly held: Pick<HeldCredentialStore, 'hold' | 'drop'>;
  readonly integrations: Pick<ConnectIntegrations, 'openIntegration'>;
  readonly connections: Pick<ConnectConnections, 'saveGrant'>;
  readonly listOptions: (session: ConnectSession) => Promise<readonly ConnectOption[]>;
  /** @throws ConnectRefusal `wrong_settings` with what is wrong */
  readonly pick: (session: ConnectSession, optionId: string, typed: Settings) => Promise<ConnectChoice>;
  readonly prove: ProveTyped;
  readonly writeAuditLine: WriteAuditLine;
  readonly clock: Clock;
}

type TypedChoice = ConnectChoice & { readonly method: TypedMethod };

/** Whether a choice is a form of ours; else it leads to the provider. */
export const isTypedChoice = (choice: ConnectChoice): choice is TypedChoice =>
  choice.method.kind !== 'oauth2';

/** Where the reason is shown: beside the field that is most likely at fault. */
const FIELD_AT_FAULT: Readonly<Record<TypedMethod['kind'], string>> = {
  api_key: 'apiKey',
  basic: 'password',
  client_credentials: 'clientSecret',
  webhook_secret: 'webhookSecret',
};

const staticSecrets = (kind: TypedMethod['kind'], values: Settings): CredentialSecrets | null => {
  const { apiKey = '', username = '', password = '', webhookSecret = '' } = values;
  switch (kind) {
    case 'api_key':
      return { kind, apiKey };
    case 'basic':
      return { kind, username, password };
    case 'webhook_secret':
      return { kind, webhookSecret };
    case 'client_credentials':
      return null;
  }
};

const tokenTypeOf = (method: TypedMethod): string => {
  if (method.kind === 'api_key') return method.tokenType;
  return method.kind === 'basic' ? 'Basic' : 'Bearer';
};

const rowOf = ({ integration }: TypedChoice): Pick<AuditedResult, 'integrationRowId'> =>
  integration === null ? {} : { integrationRowId: integration.rowId };

/** The hosted form's way: read, proved at the provider, kept. */
export const createSaveTyped = ({
  sessions,
  held,
  integrations,
  connections,
  listOptions,
  pick,
  prove,
  writeAuditLine,
  clock,
}: SaveTypedDependencies) => {
  const refuse = (session: ConnectSession, errors: readonly FieldError[]): ConnectRefusal =>
    new ConnectRefusal('wrong_settings', { sessionId: session.id, errors });

  const requirePending = async (session: ConnectSession): Promise<void> => {
    const { id: sessionId } = session;
    const current = await sessions.findById(sessionId);
    const status = current && statusOf(current, clock.now());
    if (status === 'expired') throw new ConnectRefusal('session_expired', { sessionId });
    if (status !== 'pending') throw new ConnectRefusal('session_over', { sessionId });
  };

  const accepted = async (
    session: ConnectSession,
    choice: TypedChoice,
    proof: Proof,
  ): Promise<Extract<Proof, { outcome: 'accepted' }>> => {
    if (proof.outcome === 'accepted') return proof;
    const { outcome, detail } = proof;
    await writeAuditLine(session, { audit: 'connect.failed', outcome, ...rowOf(choice) });
    const isField = proof.outcome === 'refused' && proof.isTyped && choice.integration === null;
    const pointer = isField ? `/credential/${FIELD_AT_FAULT[choice.method.kind]}` : '';
    throw refuse(session, [{ pointer, detail }]);
  };

  const common = ({ integration, integrationId, definition, method, config }: TypedChoice) => ({
    integrationId,
    integrationRowId: integration?.rowId ?? null,
    provider: definition.id,
    authMethod: method.id,
    kind: method.kind,
    issuedAt: clock.now(),
    config: { ...config },
  });

  const proveClient = async (
    session: ConnectSession,
    choice: TypedChoice,
    values: Settings,
  ): Promise<TypedGrant> => {
    const { definition, method, integration, config } = choice;
    if (method.kind !== 'client_credentials') throw new TypeError('only a client can be asked for a token');
    const opened = integration && (await integrations.openIntegration(integration.rowId));
    if (integration && !opened) throw new ConnectRefusal('nothing_to_connect', { sessionId: session.id });
    const { clientId = '', clientSecret = '' } = values;
    const own = { clientId, clientSecret };
    const client: OAuthClient = opened?.client ?? own;
    const scopes = chosenScopes(session, choice);
    const dpopKey = integration?.dpop === true ? await createDpopKey() : undefined;
    const base = common(choice);
    const proof = await prove.proveClient({ definition, method, config, client }, scopes, dpopKey);
    const { by, grant } = await accepted(session, choice, proof);
    if (!grant) throw new TypeError('a client was accepted without a token');
    return {
      ...base,
      secrets: {
        kind: 'client_credentials',
        accessToken: grant.accessToken,
        refreshToken: null,
        client: integration ? null : own,
        ...(dpopKey === undefined ? {} : { dpopKey }),
      },
      tokenType: grant.tokenType,
      expiresAt: accessTokenExpiry(base.issuedAt, grant.expiresInSeconds),
      requestedScopes: scopes,
      scopes: grant.scopes ?? scopes,
      verifiedBy: by,
    };
  };

  const proveTyped = async (
    session: ConnectSession,
    choice: TypedChoice,
    values: Settings,
  ): Promise<TypedGrant> => {
    const { definition, method, config } = choice;
    const secrets = staticSecrets(method.kind, values);
    if (secrets === null) return proveClient(session, choice, values);
    const tokenType = tokenTypeOf(method);
    const proof = await prove.proveStatic(definition, method, config, secrets, tokenType);
    const { by: verifiedBy } = await accepted(session, choice, proof);
    return {
      ...common(choice),
      ...{ secrets, tokenType, expiresAt: null, requestedScopes: [], scopes: [], verifiedBy },
    };
  };

  const keep = async (session: ConnectSession, grant: TypedGrant): Promise<AuditedResult> => {
    const { id } = session;
    if (session.codeChallenge !== null) {
      if (!(await held.hold(session, serializeTypedGrant(grant)))) {
        throw refuse(session, [{ pointer: '', detail: overtaken().error.detail }]);
      }
      const isHeld = await sessions.settle(id, 'pending', { status: 'awaiting_finish' }, clock.now());
      if (isHeld) return { audit: 'connect.held', outcome: 'awaiting_finish' };
      await held.drop(session);
      throw new ConnectRefusal('session_over', { sessionId: id });
    }
    const { connection } = await connections.saveGrant(newGrantOf(grant, session));
    const outcome = { status: 'complete', connectionId: connection.id } as const;
    const isSettled = await sessions.settle(id, 'pending', outcome, clock.now());
    // A cancel between the last look and the save came too late: there is a connection, so nobody is told otherwise.
    if (!isSettled) await sessions.settle(id, 'failed', outcome, clock.now());
    return { audit: 'connect.completed', outcome: outcome.status, connectionId: connection.id };
  };

  /** The faults of settings and of fields are told at once, so that nobody mends one to hear of the next. */
  const readForm = async (session: ConnectSession, { optionId, config, credential }: TypedForm) => {
    const option = (await listOptions(session)).find(({ id }) => id === optionId);
    const [first] = option?.choices ?? [];
    // Of an option that leads to the provider, or of none, somebody posted to the wrong place.
    if (!first || !isTypedChoice(first)) {
      throw new ConnectRefusal('nothing_to_connect', { sessionId: session.id });
    }
    const fields = typedFieldsOf(first.method, first.integration === null);
    const { values, errors } = readTypedFields(fields, credential);
    const choice = await pick(session, optionId, config).catch((error: unknown) => {
      if (!(error instanceof ConnectRefusal && error.kind === 'wrong_settings')) throw error;
      throw refuse(session, [...(error.details.errors ?? []), ...errors]);
    });
    if (errors.length > 0) throw refuse(session, errors);
    if (!isTypedChoice(choice)) throw new ConnectRefusal('nothing_to_connect', { sessionId: session.id });
    return { choice, values };
  };

  /**
   * Takes what a person typed: checks it, has the provider say whether it works, and makes or mends the connection. With
   * a `codeChallenge` it waits, sealed, for the app's backend.
   * @throws ConnectRefusal `wrong_settings` with a pointer to each fault (`/config/…`, `/credential/…`, empty for the
   *   whole), none of which holds what was typed
   */
  return (session: ConnectSession, form: TypedForm): Promise<void> =>
    asPerson(session, async () => {
      await requirePending(session);
      const { choice, values } = await readForm(session, form);
      const grant = await proveTyped(session, choice, values);
      // Asking the provider takes seconds, in which the person may have cancelled or finished in another tab.
      await requirePending(session);
      await writeAuditLine(session, { ...rowOf(choice), ...(await keep(session, grant)) });
    });
};
