// Who and what is in the org: the shapes, and the three people of the demo.

/** Okta's states of a user that matter here; only `ACTIVE` may sign in or keep tokens. */
export type UserStatus = 'ACTIVE' | 'SUSPENDED' | 'DEPROVISIONED';

/** What a person may do with the management API: everything, read everything, or nothing. */
export type AdminRole = 'SUPER_ADMIN' | 'READ_ONLY_ADMIN' | 'NONE';

/** The roles' names on the pages. */
export const ADMIN_ROLE_NAMES: Readonly<Record<AdminRole, string>> = {
  SUPER_ADMIN: 'Super Admin',
  READ_ONLY_ADMIN: 'Read-only Admin',
  NONE: 'No admin role',
};

/** Somebody who can sign in at the org. */
export interface Person {
  email: string;
  firstName: string;
  lastName: string;
  adminRole: AdminRole;
}

/** A user of the org. People who can sign in are users too. */
export interface OrgUser extends Person {
  id: string;
  status: UserStatus;
  /** RFC 3339. */
  created: string;
  canSignIn: boolean;
}

export interface OrgGroup {
  id: string;
  name: string;
  description: string;
  created: string;
}

export interface OrgApp {
  id: string;
  name: string;
  label: string;
  signOnMode: string;
  created: string;
}

/** The password of everybody who can sign in. It is printed on the sign-in page: the org guards nothing. */
export const SANDBOX_PASSWORD = 'sandbox';

/** The three people of the demo: the same org looks different to each. */
export const DEFAULT_PEOPLE: readonly Person[] = [
  { email: 'ada@acme.test', firstName: 'Ada', lastName: 'Lovelace', adminRole: 'SUPER_ADMIN' },
  { email: 'grace@acme.test', firstName: 'Grace', lastName: 'Hopper', adminRole: 'READ_ONLY_ADMIN' },
  { email: 'linus@acme.test', firstName: 'Linus', lastName: 'Torvalds', adminRole: 'NONE' },
];
