// A server in a process of its own. Its parent asks it for the CPU time that it has used so far, all of its
// threads included, and it ends with its parent.
import { type ServerName, startServer } from './servers.ts';

export interface CpuTime {
  /** Milliseconds of user and system time. */
  cpuMs: number;
}

const [name, directory = ''] = process.argv.slice(2);
const server = await startServer(name as ServerName, { directory });

process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuMs: (user + system) / 1000 } satisfies CpuTime);
});
// `exit` rather than a close, so that a profiler that was asked for writes its file at once.
process.on('disconnect', () => process.exit());
process.send?.({ origin: server.origin });
