import type { OrgControl } from './control.js';
import { FAULT_KINDS } from './faults.js';
import type { Fields } from './fields.js';
import { ADMIN_ROLE_NAMES, type AdminRole } from './people.js';

/** One thing that can be done to the org from outside the process. */
export interface ControlAction {
  /** Does it. What it returns, or promises, is the JSON answer; nothing answers `{}`. */
  run(control: OrgControl, fields: Fields): unknown;
  /** What the control page says afterwards. */
  done: string;
}

const ADMIN_ROLES = Object.keys(ADMIN_ROLE_NAMES) as AdminRole[];

/** `POST /control/api/<name>`. */
export const CONTROL_ACTIONS: Readonly<Record<string, ControlAction>> = {
  'grants/revoke': {
    run: (control, fields) => ({ revoked: control.revokeGrants(grantSelection(fields)) }),
    done: 'Revoked. The next refresh fails with invalid_grant, the next API call with 401.',
  },
  'grants/issue': {
    run: (control, fields) => {
      const clientId = fields.optionalText('clientId');
      const scopes = fields.optionalText('scopes')?.split(' ');
      return control.issueGrant({
        user: fields.text('user'),
        ...(clientId === undefined ? {} : { clientId }),
        ...(scopes === undefined ? {} : { scopes }),
      });
    },
    done: 'Granted, as if they had signed in and allowed it.',
  },
  'grants/end-access-tokens': {
    run: (control) => ({ ended: control.endAccessTokens() }),
    done: 'Every access token is over. Refresh tokens still work.',
  },
  'people/suspend': {
    run: (control, fields) => control.suspendUser(fields.text('user')),
    done: 'Suspended, and their grants revoked.',
  },
  'people/deactivate': {
    run: (control, fields) => control.deactivateUser(fields.text('user')),
    done: 'Deactivated, and their grants revoked.',
  },
  'people/reactivate': {
    run: (control, fields) => control.reactivateUser(fields.text('user')),
    done: 'Active again. Revoked grants stay revoked: they have to connect anew.',
  },
  'people/role': {
    run: (control, fields) =>
      control.setAdminRole(fields.text('user'), fields.oneOf('adminRole', ADMIN_ROLES)),
    done: 'Role changed. Tokens stay good; what the API answers does not.',
  },
  'apps/remove-scope': {
    run: (control, fields) => control.removeScope(fields.text('scope')),
    done: 'Taken from every grant. Tokens are narrower from now on.',
  },
  'tokens/settings': {
    run: (control, fields) => {
      const lifetime = fields.optionalNumber('accessTokenLifetimeSeconds');
      const rotation = fields.optionalText('rotation');
      const grace = fields.optionalNumber('graceSeconds');
      if (lifetime !== undefined) control.setAccessTokenLifetime(lifetime);
      if (rotation !== undefined) control.setRotation(fields.oneOf('rotation', ['STATIC', 'ROTATE']));
      if (grace !== undefined) control.setGrace(grace);
      return control.settings();
    },
    done: 'Saved. It holds for tokens issued from now on.',
  },
  'clock/move': {
    run: (control, fields) => {
      control.moveClock(fields.number('seconds'));
      return { now: new Date(control.nowMillis()).toISOString() };
    },
    done: 'The org’s clock has moved. Nobody else’s has.',
  },
  'apps/break-secret': {
    run: (control, fields) => control.breakClientSecret(fields.optionalText('clientId')),
    done: 'The secret no longer works: 401 invalid_client.',
  },
  'apps/restore-secret': {
    run: (control, fields) => control.restoreClientSecret(fields.optionalText('clientId')),
    done: 'The secret works again.',
  },
  'apps/deactivate': {
    run: (control, fields) => control.deactivateApp(fields.optionalText('clientId')),
    done: 'The app is deactivated, and its grants revoked.',
  },
  'apps/reactivate': {
    run: (control, fields) => control.reactivateApp(fields.optionalText('clientId')),
    done: 'The app is active again.',
  },
  'faults/add': {
    run: (control, fields) => {
      const times = fields.optionalNumber('times');
      const path = fields.optionalText('path');
      const hangMillis = fields.optionalNumber('hangMillis');
      control.failNext({
        kind: fields.oneOf('kind', FAULT_KINDS),
        ...(times === undefined ? {} : { times }),
        ...(path === undefined ? {} : { path }),
        ...(hangMillis === undefined ? {} : { hangMillis }),
      });
      return { pending: control.pendingFaults() };
    },
    done: 'The next calls will meet it.',
  },
  'faults/clear': {
    run: (control) => control.clearFaults(),
    done: 'No faults are waiting, and no call hangs.',
  },
  'faults/release': {
    run: (control) => ({ released: control.releaseHung() }),
    done: 'Hanging calls go on.',
  },
  'counters/reset': { run: (control) => control.resetCounters(), done: 'Counting from zero.' },
  reset: {
    run: (control) => control.reset(),
    done: 'The org is as it was when it started. Nobody is connected.',
  },
};

function grantSelection(fields: Fields) {
  const grantId = fields.optionalText('grantId');
  if (grantId !== undefined) return { grantId };
  const user = fields.optionalText('user');
  if (user !== undefined) return { user };
  if (fields.isTrue('all')) return { all: true } as const;
  throw new RangeError('Say which grants: grantId, user, or all: true.');
}
