import { gauge } from '@ordermesh/telemetry';

/** `ordermesh.log.diverged`, 0 from the start: whoever compares what it has with the log records 1 when it has stopped for good. */
export const logDiverged = gauge('ordermesh.log.diverged', {
  description:
    '1 when this process has stopped because the log is not the one it worked from, else 0.',
});
logDiverged.record(0);
