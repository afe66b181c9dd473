/** Ports that are found free for later. */
import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { freePorts, setAside } from './free-ports.ts';

describe('free ports', () => {
  it('differ from each other, also where they are asked for at the same time', async () => {
    const found = (await Promise.all(Array.from({ length: 8 }, () => freePorts(25)))).flat();
    expect(new Set(found).size).toBe(200);
  });

  it('are none that were set aside', async () => {
    const kept = Array.from({ length: 19_000 }, (_, at) => 10_000 + at);
    setAside(kept);
    for (const port of await freePorts(20)) expect(port).toBeGreaterThanOrEqual(29_000);
  });

  it('are none of an address that this machine has not: the reason is told, and nobody waits for ever', async () => {
    await expect(freePorts(1, '192.0.2.1')).rejects.toThrow(
      "can't listen on a port of 192.0.2.1: EADDRNOTAVAIL",
    );
  });

  it('can be listened on', async () => {
    const [port = 0] = await freePorts(1);
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
    await new Promise((resolve) => server.close(resolve));
  });
});
