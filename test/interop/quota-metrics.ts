/**
 * Which metrics of quotas a broker shows, in words that are the same for ours, who shows them to Prometheus,
 * and for Apache Kafka, who shows them to JMX; and what they are. Those of clients that the comparison does not name
 * are left out.
 */
import { JmxValues } from './jmx-values.ts';

const GROUPS = ['Produce', 'Fetch', 'Request', 'ControllerMutation'];

/** By a metric's group, its name, and whose it is. */
type QuotaValues = ReadonlyMap<string, number>;

/** Of the broker that serves HTTP at this port. */
export async function ourQuotaValues(httpPort: number): Promise<QuotaValues> {
  const text = await (await fetch(`http://127.0.0.1:${httpPort}/metrics`)).text();
  const lines = text.matchAll(
    /^kafka_server_(produce|fetch|request|controllermutation)_(\w+)(?:\{(.*)\})? (\S+)$/gm,
  );
  const values = [...lines].map(([, group = '', name = '', labels = '', value = '']) => {
    const [, user, clientId] = /user="(.*)",client_id="(.*)"/.exec(labels) ?? [];
    return [described(group, name.replaceAll('_', '-'), user, clientId), Number(value)] as const;
  });
  return new Map(values.filter(([metric]) => isCompared(metric)));
}

export async function ourQuotaMetrics(httpPort: number): Promise<string[]> {
  return [...(await ourQuotaValues(httpPort)).keys()].sort();
}

/** Of the JVM with this process id. */
export class KafkasQuotaMetrics {
  readonly #jmx: JmxValues;

  constructor(pid: number) {
    this.#jmx = new JmxValues(pid);
  }

  async values(): Promise<QuotaValues> {
    const found = await this.#jmx.read(GROUPS.map((group) => `kafka.server:type=${group},*`));
    const values = found.map(({ objectName, attribute, value }) => {
      const group = /type=(\w+)/.exec(objectName)?.[1] ?? '';
      const user = /,user=("[^"]*"|[^,]*)/.exec(objectName)?.[1];
      const clientId = /,client-id=("(?:\\.|[^"\\])*"|[^,]*)/.exec(objectName)?.[1];
      return [described(group, attribute, user, clientId), value] as const;
    });
    return new Map(values.filter(([metric]) => isCompared(metric)));
  }

  async read(): Promise<string[]> {
    return [...(await this.values()).keys()].sort();
  }

  close(): void {
    this.#jmx.close();
  }
}

function described(group: string, name: string, user?: string, clientId?: string): string {
  const what = `${group.toLowerCase()} ${name}`;
  return user === undefined && clientId === undefined
    ? what
    : `${what} of "${plain(clientId)}", user "${plain(user)}"`;
}

/** JMX leaves out what is empty, and quotes what has other characters than a name. */
function plain(tag = ''): string {
  return tag.replaceAll('"', '');
}

/** There are always as many queues as types of quotas, and probes have come and gone. */
function isCompared(metric: string): boolean {
  return !/queue-size|behind|admin/.test(metric);
}
