import { useEffect, useState } from 'react';
import type { ConnectionView, OktaPerson } from '../integration-view.js';
import { fetchPeople, type RequestError } from './requests.js';
import { initials } from './top-bar.js';

/** The people of the org, read by the backend with the credential; read again when the connection changes. */
export function PeoplePanel({ connection }: { connection: ConnectionView | null }) {
  const [people, setPeople] = useState<readonly OktaPerson[] | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [round, setRound] = useState(0);
  const key = connection && `${connection.id} ${connection.status} ${connection.version} ${round}`;

  useEffect(() => {
    if (key === null) return;
    let current = true;
    fetchPeople().then(
      (answer) => {
        if (!current) return;
        setPeople(answer.people);
        setProblem(null);
      },
      (failure: RequestError) => {
        if (current) setProblem(failure.message);
      },
    );
    return () => {
      current = false;
    };
  }, [key]);

  return (
    <section className="panel" aria-labelledby="people-title">
      <div className="panel-head">
        <h2 id="people-title">People</h2>
        {connection ? (
          <button type="button" className="button small" onClick={() => setRound(round + 1)}>
            Read again
          </button>
        ) : null}
      </div>
      {connection === null ? (
        <p className="empty">Connect Okta, and the first ten people of your org show up here.</p>
      ) : connection.status === 'needs_reconnect' && problem ? (
        <p className="empty">
          Okta refuses Crewdesk at the moment. The people come back when you connect again.
        </p>
      ) : problem ? (
        <p className="notice" role="alert">
          {problem}
        </p>
      ) : (
        <PeopleList people={people} />
      )}
    </section>
  );
}

function PeopleList({ people }: { people: readonly OktaPerson[] | null }) {
  if (!people) return <p className="quiet">Reading from Okta…</p>;
  return (
    <ul className="people">
      {people.map((person) => (
        <li key={person.id}>
          <span className="avatar small" aria-hidden="true">
            {initials(person.name)}
          </span>
          <span className="person">
            <strong>{person.name}</strong>
            <span className="quiet">{person.email}</span>
          </span>
          <span className={person.status === 'ACTIVE' ? 'chip good' : 'chip plain'}>
            {person.status.charAt(0) + person.status.slice(1).toLowerCase()}
          </span>
        </li>
      ))}
    </ul>
  );
}
