// The health check of a process in its container: `node ready.ts PORT` ends with 0 when /readyz of that admin port says so. The image has no curl.
const answer = await fetch(`http://127.0.0.1:${process.argv[2]}/readyz`).catch(() => undefined);
process.exit(answer?.ok ? 0 : 1);
