// A preload (`node --import`) of every process that the supervisor starts: without a supervisor it ends.
// The supervisor holds the other end of the IPC channel; the kernel closes it however the supervisor dies,
// on Linux and macOS alike. (prctl's pdeathsig is Linux only, and a check of the parent's pid would poll.)
const KILL_AFTER_MS = 15_000;

process.once('disconnect', () => {
  // Nobody reads the output any more: a failing write must not cut the drain short.
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
  process.kill(process.pid, 'SIGTERM');
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), KILL_AFTER_MS).unref();
});
process.channel?.unref(); // listening alone would keep the process alive
