/** Faults: what is in place at each broker, and, where that is allowed, what can be broken on purpose. */
import { useState } from 'preact/hooks';
import type { BrokerFaultsView, FaultKindView } from '../views.ts';
import { change } from './server.ts';
import { useAnswer, useChange, useTicks } from './use-answer.ts';

const REFRESH_MS = 1000;

export function Faults({ allowsChanges }: { readonly allowsChanges: boolean }) {
  const [brokers, problem] = useAnswer<readonly BrokerFaultsView[]>('/api/faults', {}, useTicks(REFRESH_MS));
  const [kinds] = useAnswer<readonly FaultKindView[]>('/api/fault-kinds');
  const able = (brokers ?? []).filter((broker) => broker.problem === null);
  return (
    <section aria-label="Faults" class="split">
      <div>
        {problem !== null && <p class="bad">{problem}</p>}
        {(brokers ?? []).map((broker) => (
          <InPlace key={broker.brokerId} broker={broker} allowsChanges={allowsChanges} />
        ))}
      </div>
      {allowsChanges && able.length > 0 && kinds !== null && <Strike brokers={able} kinds={kinds} />}
    </section>
  );
}

function InPlace({
  broker,
  allowsChanges,
}: {
  readonly broker: BrokerFaultsView;
  readonly allowsChanges: boolean;
}) {
  const { brokerId, faults, problem } = broker;
  return (
    <article class="card">
      <h2>Broker {brokerId}</h2>
      {problem !== null && <p>{problem}</p>}
      {problem === null && faults.length === 0 && <p>nothing is in place</p>}
      <ul class="list">
        {faults.map(({ id, name, leftMs, words }) => (
          <li key={id}>
            <b>{name}</b> {Math.ceil(leftMs / 1000)} s left <small>{words}</small>
          </li>
        ))}
      </ul>
      {allowsChanges && faults.length > 0 && (
        <button type="button" onClick={() => void change('/api/heal', { broker: String(brokerId) })}>
          heal all of broker {brokerId}
        </button>
      )}
    </article>
  );
}

interface StrikeProps {
  readonly brokers: readonly BrokerFaultsView[];
  readonly kinds: readonly FaultKindView[];
}

function Strike({ brokers, kinds }: StrikeProps) {
  const [broker, setBroker] = useState(String(brokers[0]?.brokerId ?? ''));
  const [name, setName] = useState(kinds[0]?.name ?? '');
  const [given, setGiven] = useState<Readonly<Record<string, string>>>({});
  const [said, act] = useChange('it has struck');
  const kind = kinds.find((each) => each.name === name);
  const strike = (): void => {
    if (kind === undefined) return;
    const what = { broker, fault: kind.name, given: JSON.stringify(valuesOf(kind, given)) };
    act(`${kind.name} at broker ${broker}: ${kind.summary}?`, '/api/strike', what);
  };
  const parameters = [...(kind?.parameters ?? []), ...(kind?.lasts === true ? [FOR_MS] : [])];
  return (
    <div class="detail strike">
      <h2>Break something</h2>
      <label>
        broker{' '}
        <select
          aria-label="broker"
          value={broker}
          onChange={({ currentTarget }) => setBroker(currentTarget.value)}
        >
          {brokers.map(({ brokerId }) => (
            <option key={brokerId}>{brokerId}</option>
          ))}
        </select>
      </label>
      <label>
        fault{' '}
        <select
          aria-label="fault"
          value={name}
          onChange={({ currentTarget }) => setName(currentTarget.value)}
        >
          {kinds.map((each) => (
            <option key={each.name}>{each.name}</option>
          ))}
        </select>
      </label>
      <p>{kind?.summary}.</p>
      {parameters.map((parameter) => (
        <Parameter
          key={parameter.name}
          parameter={parameter}
          value={given[parameter.name] ?? ''}
          set={(value) => setGiven({ ...given, [parameter.name]: value })}
        />
      ))}
      <button type="button" onClick={strike}>
        strike
      </button>
      <output aria-live="polite">{said}</output>
    </div>
  );
}

type ParameterView = FaultKindView['parameters'][number];

const FOR_MS: ParameterView = {
  name: 'forMs',
  type: 'integer',
  required: false,
  help: 'how long it lasts',
  oneOf: [],
};

function Parameter({
  parameter,
  value,
  set,
}: {
  readonly parameter: ParameterView;
  readonly value: string;
  readonly set: (value: string) => void;
}) {
  const { name, required, help, oneOf } = parameter;
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: one of the two controls is inside.
    <label title={help}>
      {name}
      {required ? '' : ' (may be left out)'}{' '}
      {oneOf.length === 0 ? (
        <input value={value} onInput={({ currentTarget }) => set(currentTarget.value)} />
      ) : (
        <select value={value} onChange={({ currentTarget }) => set(currentTarget.value)}>
          {['', ...oneOf].map((each) => (
            <option key={each}>{each}</option>
          ))}
        </select>
      )}
      <small>{help}</small>
    </label>
  );
}

/** Only what this kind takes and somebody has said something of, as its type has it. */
function valuesOf(kind: FaultKindView, given: Readonly<Record<string, string>>): Record<string, unknown> {
  const parameters = kind.lasts ? [...kind.parameters, FOR_MS] : kind.parameters;
  const said = parameters.filter(({ name }) => (given[name] ?? '') !== '');
  return Object.fromEntries(said.map(({ name, type }) => [name, typed(given[name] ?? '', type)]));
}

function typed(text: string, type: string): unknown {
  if (type === 'boolean') return text === 'true';
  if (type === 'string') return text;
  return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text;
}
