/** Turns a JSON log line into `12:00:01.123 INFO  command ready  port=50051`, with an error's stack below it. */
export function prettyLine(json: string): string {
  const { time, level, service, logger, msg, err, span_id, ...fields } = JSON.parse(json);
  const clock = String(time).slice(11, 23);
  const label = String(level).toUpperCase().padEnd(5);
  const rest = Object.entries(fields).map(([key, value]) => `${key}=${compact(value)}`);
  const head = [clock, label, `${service}/${logger}`, msg, ...rest].filter(Boolean).join(' ');
  return err?.stack ? `${head}\n${err.stack}\n` : `${head}\n`;
}

function compact(value: unknown): string {
  return typeof value === 'string' && !value.includes(' ') ? value : JSON.stringify(value);
}
