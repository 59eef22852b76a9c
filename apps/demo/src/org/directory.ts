import { DEFAULT_PEOPLE, type OrgApp, type OrgGroup, type OrgUser, type Person } from './people.js';
import { seedApps, seedGroups, seedUsers } from './seed.js';

/** The org's users, groups and apps. */
export class Directory {
  readonly groups: readonly OrgGroup[] = seedGroups();
  readonly apps: readonly OrgApp[] = seedApps();
  #users: OrgUser[] = [];

  constructor(private readonly people: readonly Person[] = DEFAULT_PEOPLE) {
    this.reset();
  }

  /** Every user, those who can sign in first. */
  users(): readonly OrgUser[] {
    return this.#users;
  }

  /** The users who can sign in. */
  signInUsers(): readonly OrgUser[] {
    return this.#users.filter((user) => user.canSignIn);
  }

  /** By id or by email, as Okta's API takes them. */
  find(idOrEmail: string): OrgUser | undefined {
    const wanted = idOrEmail.trim().toLowerCase();
    return this.#users.find((user) => user.id.toLowerCase() === wanted || user.email === wanted);
  }

  /** Like {@link find}, for the control page. Throws `RangeError` that names the people there are. */
  get(idOrEmail: string): OrgUser {
    const user = this.find(idOrEmail);
    if (user) return user;
    const emails = this.signInUsers().map((person) => person.email);
    throw new RangeError(
      `This org has no user ${idOrEmail}. Those who can sign in are ${emails.join(', ')}.`,
    );
  }

  /** Back to the people and roles the org started with. */
  reset(): void {
    this.#users = seedUsers(this.people);
  }
}
