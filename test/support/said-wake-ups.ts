// What a server says to the other processes on its store, whether or not it gets there.
import type { TestServer } from './test-server.ts';

/** The wake-ups from now on: topic and key of each. */
export function saidWakeUps({ faults }: Pick<TestServer, 'faults'>): [topic: string, key: string][] {
  const said: [string, string][] = [];
  const { notify } = faults;
  faults.notify = (topic, key) => {
    said.push([topic, key]);
    notify(topic, key);
  };
  return said;
}
