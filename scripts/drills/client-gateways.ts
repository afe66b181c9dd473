/**
 * Doors in front of a drill's brokers: somebody's clients come and go through them, and what they ask and are
 * answered is read on the way. Nothing is changed or held up; of a broker that is gone the door is still there, and
 * whoever comes in is sent away at once.
 */
import net, { type Server, type Socket } from 'node:net';
import { AnsweredRequests } from './answered-requests.ts';
import { ConversationReader } from './conversation-reader.ts';
import { BROKERS } from './drilled-cluster.ts';

const HOST = '127.0.0.1';
const MOST_CONNECTIONS = 1000;

export class ClientGateways {
  readonly answered = new AnsweredRequests();
  readonly #basePort: number;
  readonly #doors: Server[] = [];
  readonly #open = new Set<Socket>();
  #portBehind: (id: number) => number = () => 0;

  private constructor(basePort: number) {
    this.#basePort = basePort;
  }

  /** One for each broker, from this port on. Rejects when one of the ports is taken. */
  static async open(basePort: number): Promise<ClientGateways> {
    const gateways = new ClientGateways(basePort);
    try {
      for (let id = 1; id <= BROKERS; id++) await gateways.#openDoor(id);
      return gateways;
    } catch (error) {
      await gateways.close();
      throw error;
    }
  }

  get bootstrapServers(): string {
    return Array.from({ length: BROKERS }, (_, index) => `${HOST}:${this.portOf(index + 1)}`).join(',');
  }

  /** Where a broker is for clients. */
  portOf(id: number): number {
    return this.#basePort + id - 1;
  }

  /** Where a broker really is, asked at each connection. */
  leadTo(portBehind: (id: number) => number): void {
    this.#portBehind = portBehind;
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await Promise.all(this.#doors.map((door) => new Promise((resolve) => door.close(resolve))));
  }

  async #openDoor(id: number): Promise<void> {
    const door = net.createServer({ noDelay: true }, (client) => this.#enter(client, id));
    door.maxConnections = MOST_CONNECTIONS;
    await new Promise<void>((resolve, reject) => {
      door.once('error', (error: NodeJS.ErrnoException) =>
        reject(error.code === 'EADDRINUSE' ? new Error(`port ${this.portOf(id)} is in use`) : error),
      );
      door.listen(this.portOf(id), HOST, resolve);
    });
    this.#doors.push(door);
  }

  #enter(client: Socket, id: number): void {
    const broker = net.connect({ host: HOST, port: this.#portBehind(id), noDelay: true });
    const reader = new ConversationReader(this.answered);
    client.on('data', (bytes: Buffer) => reader.asked(bytes));
    broker.on('data', (bytes: Buffer) => reader.answered(bytes));
    client.pipe(broker);
    broker.pipe(client);
    for (const [socket, other] of [
      [client, broker],
      [broker, client],
    ] as const) {
      this.#open.add(socket);
      // That it failed is told to the other end by its end.
      socket.on('error', () => {});
      socket.once('close', () => {
        this.#open.delete(socket);
        other.destroy();
        reader.closed();
      });
    }
  }
}
