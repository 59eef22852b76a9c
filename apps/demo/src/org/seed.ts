import { createHash } from 'node:crypto';
import type { OrgApp, OrgGroup, OrgUser, Person } from './people.js';

const OTHER_USERS = [
  'Alan Turing',
  'Annie Easley',
  'Barbara Liskov',
  'Dennis Ritchie',
  'Donald Knuth',
  'Dorothy Vaughan',
  'Edsger Dijkstra',
  'Evelyn Boyd',
  'Frances Allen',
  'Hedy Lamarr',
  'Jean Bartik',
  'John Backus',
  'Karen Jones',
  'Katherine Johnson',
  'Ken Thompson',
  'Margaret Hamilton',
  'Mary Jackson',
  'Niklaus Wirth',
  'Radia Perlman',
  'Shafi Goldwasser',
  'Sophie Wilson',
  'Tony Hoare',
] as const;

const GROUPS = [
  ['Everyone', 'All users of the org'],
  ['Engineering', 'Builds the product'],
  ['Security', 'Keeps the org safe'],
  ['Sales', 'Talks to customers'],
  ['Support', 'Helps customers'],
  ['Contractors', 'People with an end date'],
] as const;

const APPS = [
  ['github', 'GitHub', 'SAML_2_0'],
  ['slack', 'Slack', 'SAML_2_0'],
  ['salesforce', 'Salesforce', 'SAML_2_0'],
  ['zoom', 'Zoom', 'SAML_2_0'],
  ['jira', 'Jira', 'SAML_2_0'],
  ['aws', 'AWS Console', 'SAML_2_0'],
  ['wiki', 'Acme Wiki', 'OPENID_CONNECT'],
  ['payroll', 'Payroll', 'BOOKMARK'],
] as const;

const FIRST_DAY_MILLIS = Date.UTC(2024, 0, 8, 9);

/** The people who can sign in, then enough others to fill a page. The same every time. */
export function seedUsers(people: readonly Person[]): OrgUser[] {
  const others = OTHER_USERS.map((name): Person => {
    const [firstName = name, lastName = ''] = name.split(' ');
    return { email: `${firstName.toLowerCase()}@acme.test`, firstName, lastName, adminRole: 'NONE' };
  });
  return [...people, ...others].map((person, index) => ({
    ...person,
    email: person.email.toLowerCase(),
    id: oktaId('00u', person.email),
    status: 'ACTIVE',
    created: createdOn(index),
    canSignIn: index < people.length,
  }));
}

export function seedGroups(): OrgGroup[] {
  return GROUPS.map(([name, description], index) => ({
    id: oktaId('00g', name),
    name,
    description,
    created: createdOn(index),
  }));
}

export function seedApps(): OrgApp[] {
  return APPS.map(([name, label, signOnMode], index) => ({
    id: oktaId('0oa', name),
    name,
    label,
    signOnMode,
    created: createdOn(index),
  }));
}

/** An id that looks like Okta's (a kind's three characters and 17 more) and is the same on every start. */
export function oktaId(kind: string, name: string): string {
  return kind + createHash('sha256').update(`${kind}:${name}`).digest('hex').slice(0, 17);
}

function createdOn(day: number): string {
  return new Date(FIRST_DAY_MILLIS + day * 86_400_000).toISOString();
}
