/** A page of a partition's records. */
import { useState } from 'preact/hooks';
import type { RecordsPage, RecordView } from '../views.ts';
import { count, dateAndTime } from './format.ts';
import { useAnswer } from './use-answer.ts';

const PAGE = 50;
const SHORT = 120;
const MOST_SAFE_MS = 8.64e15;

export function Records({ topic, partitions }: { readonly topic: string; readonly partitions: number }) {
  const [partition, setPartition] = useState(0);
  const [offset, setOffset] = useState(-PAGE);
  const [refreshed, setRefreshed] = useState(0);
  const question = { topic, partition: String(partition), offset: String(offset), most: String(PAGE) };
  const [page, problem] = useAnswer<RecordsPage>('/api/records', question, String(refreshed));
  const first = page?.records[0]?.offset ?? 0;
  return (
    <>
      <div class="tools">
        <label>
          partition{' '}
          <select
            value={partition}
            onChange={({ currentTarget }) => setPartition(Number(currentTarget.value))}
          >
            {Array.from({ length: partitions }, (_, each) => (
              <option key={each} value={each}>
                {each}
              </option>
            ))}
          </select>
        </label>
        <button type="button" onClick={() => setOffset(Math.max(0, first - PAGE))}>
          earlier
        </button>
        <button type="button" onClick={() => setOffset((page?.records.at(-1)?.offset ?? 0) + 1)}>
          later
        </button>
        <button
          type="button"
          onClick={() => {
            setOffset(-PAGE);
            setRefreshed(refreshed + 1);
          }}
        >
          newest
        </button>
        {page !== null && (
          <span>
            offsets {count(page.start)} to {count(page.end)}
          </span>
        )}
      </div>
      {problem !== null && <p class="bad">{problem}</p>}
      <ol class="records">
        {(page?.records ?? []).map((record) => (
          <OneRecord key={record.offset} record={record} />
        ))}
      </ol>
      {page?.records.length === 0 && <p>There are no records from here on.</p>}
    </>
  );
}

function OneRecord({ record }: { readonly record: RecordView }) {
  const { offset, key, value, headers, timestampMs, transaction } = record;
  const line =
    value === null ? (transaction === 'none' || transaction === 'part' ? 'null' : transaction) : value.data;
  const short = line.replaceAll(/\s+/g, ' ');
  return (
    <li>
      <details>
        <summary>
          <b>{count(offset)}</b> {key !== null && <code>{key.data.slice(0, SHORT)}</code>}{' '}
          {short.slice(0, SHORT)}
          {short.length > SHORT ? '…' : ''}
        </summary>
        <p>
          {timeOf(timestampMs)}
          {[key?.note, value?.note].map((note, at) =>
            note === undefined ? '' : `, ${at === 0 ? 'key' : 'value'}: ${note}`,
          )}
          {transaction !== 'none' && `, ${transaction} of a transaction`}
        </p>
        {headers.map(([name, header], at) => (
          <p key={`${at}`}>
            {name}: <code>{header?.data ?? 'null'}</code>
          </p>
        ))}
        <pre>{line}</pre>
      </details>
    </li>
  );
}

/** Producers may write any number. */
function timeOf(text: string): string {
  const atMs = Number(text);
  return atMs >= 0 && atMs < MOST_SAFE_MS ? dateAndTime(atMs) : text;
}
