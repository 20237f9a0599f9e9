import { gzipSync } from 'node:zlib';
import { orderRequest, type Reply, rest } from './api.ts';
import { orders } from './bad-orders.ts';
import { postChunked, sendBytes } from './raw-http.ts';
import { absent, bad, invalid, type Says } from './refusals.ts';

/** A request that only HTTP can make, and that has to be refused. */
export interface BadHttp {
  readonly rule: string;
  readonly send: (base: string) => Promise<Reply>;
  readonly says: Says;
  /** `Allow` of the answer. */
  readonly allow?: string;
}

const json = { 'content-type': 'application/json' };
const order = `/v1/orders/${orders.PENDING}`;
const limit = 256 * 1024;

const get = (path: string, says: Says, headers: Record<string, string> = {}): BadHttp => ({
  rule: `GET ${path.slice(0, 90)} ${Object.entries(headers).join()}`.slice(0, 140),
  send: (base) => rest(base, 'GET', path, undefined, headers),
  says,
});

const body = (
  rule: string,
  content: unknown,
  says: Says,
  headers: Record<string, string> = {},
  path = '/v1/orders',
): BadHttp => ({
  rule,
  send: (base) => rest(base, 'POST', path, content, headers),
  says,
});

/** An order as text, with a change that JSON.stringify would not make. */
const edited = (from: string, to: string) => JSON.stringify(orderRequest()).replace(from, to);

const malformed: BadHttp[] = [
  ...Object.entries({
    'half an object': '{"customerId',
    'two objects': '{}{}',
    'a comment': '{/* */}',
    'a trailing comma': '{"customerId":"",}',
    'not a number': '{"items":NaN}',
    '200,000 brackets': '['.repeat(200_000),
    '200,000 brackets, closed': `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
    '40,000 objects': `${'{"a":'.repeat(40_000)}1${'}'.repeat(40_000)}`,
  }).map(([rule, text]) => {
    const closed = /closed|objects$/.test(rule) && rule !== 'two objects';
    return body(rule, text, closed ? bad('INVALID_REQUEST') : bad('MALFORMED_BODY'));
  }),
  {
    rule: 'a body that is not UTF-8',
    send: (base) =>
      sendBytes(
        base,
        `POST /v1/orders HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n{"orderId":"\xff"`,
      ),
    says: bad('MALFORMED_BODY'),
  },
];

const types: BadHttp[] = [
  body('a list', [], bad('INVALID_REQUEST')),
  body('null', 'null', bad('INVALID_REQUEST')),
  body('no body', '', invalid('customerId')),
  body('an unknown field', orderRequest({ note: 'x' }), invalid('note')),
  body(
    'an unknown field inside',
    edited('"quantity"', '"qty":1,"quantity"'),
    invalid('items[0].qty'),
  ),
  body('__proto__', edited('{', '{"__proto__":{"admin":true},'), invalid('__proto__')),
  body('constructor', edited('{', '{"constructor":{},'), invalid('constructor')),
  body('a field twice', edited('{', '{"customerId":"",'), invalid('customerId')),
  body('a number as id', orderRequest({ customerId: 7 }), invalid('customerId')),
  body('items as an object', orderRequest({ items: {} }), invalid('items')),
  body(
    'an address as text',
    orderRequest({ shippingAddress: 'London' }),
    invalid('shippingAddress'),
  ),
  body('half a tea', edited('"quantity":2', '"quantity":0.5'), invalid('items[0].quantity')),
  body('many teas', edited('"quantity":2', '"quantity":1e10'), invalid('items[0].quantity')),
  body('a price in words', edited('"1250"', '"much"'), invalid('items[0].unitPrice.minorUnits')),
  body('a price as float', edited('"1250"', '12.5'), invalid('items[0].unitPrice.minorUnits')),
  body(
    'a price that a double rounds',
    edited('"1250"', '9007199254740993'),
    bad('INVALID_REQUEST'),
  ),
  body(
    'a price beyond 64 bits',
    edited('"1250"', '"9223372036854775808"'),
    invalid('items[0].unitPrice.minorUnits'),
  ),
  body('half a character', edited('Green', '\\ud800'), invalid('items[0].productName')),
  body('U+0000 as escape', edited('Green', '\\u0000'), invalid('items[0].productName')),
  body('two ids', { orderId: orders.PAID }, invalid('orderId'), {}, `${order}/confirm`),
  body(
    'two versions',
    { expectedVersion: 2 },
    invalid('expectedVersion'),
    { 'if-match': '"1"' },
    `${order}/confirm`,
  ),
];

const media: Says = { reason: 'UNSUPPORTED_MEDIA_TYPE', http: 415, code: 'INVALID_ARGUMENT' };
const large: Says = { reason: 'BODY_TOO_LARGE', http: 413, code: 'RESOURCE_EXHAUSTED' };

const carriers: BadHttp[] = [
  ...[
    'text/plain',
    'application/xml',
    'json',
    'multipart/form-data',
    'application/json; charset=utf-16',
  ].map((type) => body(`a body of ${type}`, '{}', media, { 'content-type': type })),
  body('a body said to be gzip', '{}', media, { 'content-encoding': 'gzip' }),
  {
    rule: 'a body in gzip',
    send: (base) => {
      const headers = { ...json, 'content-encoding': 'gzip' };
      const zipped = gzipSync(JSON.stringify(orderRequest())).toString('latin1');
      return postChunked(`${base}/v1/orders`, headers, [zipped]);
    },
    says: media,
  },
  body('a body of 256 KiB and a byte', ' '.repeat(limit + 1), large),
  body('a body of 4 MiB', `"${'x'.repeat(4 * 1024 * 1024)}"`, large),
  {
    rule: 'a body of 512 KiB in chunks',
    send: (base) => postChunked(`${base}/v1/orders`, json, Array(32).fill(' '.repeat(16 * 1024))),
    says: large,
  },
];

const urls: BadHttp[] = [
  get('/v1/orders/%zz', invalid('path')),
  get('/v1/orders/%e4', invalid('path')),
  get('/v1/orders/%00', invalid('orderId')),
  get(`${order}%2fevents`, invalid('orderId')),
  get('/v1/orders/..%2f..%2fetc%2fpasswd', invalid('orderId')),
  get('/v1/orders?query=%e4', invalid('query')),
  get('/v1/orders?query=%', invalid('query')),
  get('/v1/orders?%e4=1', bad('INVALID_REQUEST')),
  get('/v1/orders?color=red', invalid('color')),
  get('/v1/orders?__proto__=1', invalid('__proto__')),
  get('/v1/orders?pageSize=1&pageSize=2', invalid('pageSize')),
  get('/v1/orders?pageSize=ten', invalid('pageSize')),
  get('/v1/orders?pageSize=0x10', invalid('pageSize')),
  get('/v1/orders?pageSize=2147483648', invalid('pageSize')),
  get('/v1/orders?status=SENT', invalid('status[0]')),
  get('/v1/orders?status=pending', invalid('status[0]')),
  get('/v1/orders?status=PAID&status=ORDER_STATUS_SENT', invalid('status[1]')),
  get('/v1/orders?status=1', invalid('status[0]')),
  get('/v1/orders?minTotal=1.5&currencyCode=USD', invalid('minTotal')),
  get('/v1/orders?createdAfter=yesterday', invalid('createdAfter')),
  get('/v1/orders?createdAfter=10000-01-01T00:00:00Z', invalid('createdAfter')),
  get(`${order}?minVersion=latest`, invalid('minVersion')),
  get(`/v1/orders?query=${'x'.repeat(9_000)}`, { ...invalid('url'), http: 414 }),
  get(`/v1/orders/${'x'.repeat(9_000)}`, { ...invalid('url'), http: 414 }),
  ...['/', '/v1', '/v2/orders', '/v1/orders/', '/v1/orders//confirm', `/V1/orders`].map((path) =>
    get(path, absent('ROUTE_NOT_FOUND')),
  ),
];

const headers: BadHttp[] = [
  get(
    order,
    { reason: 'DEADLINE_EXCEEDED', http: 504, code: 'DEADLINE_EXCEEDED' },
    { 'connect-timeout-ms': '1' },
  ),
  ...['-1', '1.5', '1s', '', '10000000000'].map((value) =>
    get(order, invalid('Connect-Timeout-Ms'), { 'connect-timeout-ms': value }),
  ),
  ...['1', 'S', '123456789S', '-1S'].map((value) =>
    get(order, invalid('grpc-timeout'), { 'grpc-timeout': value }),
  ),
  get(order, invalid('If-Match'), { 'if-match': '"1"' }),
  get(order, invalid('Consistency-Token'), { 'consistency-token': 'ä' }),
  // Whatever a client accepts, an error is a problem document.
  ...['text/html', 'image/*;q=0.1', ';;;', 'application/json;q=0', 'a'.repeat(4_000), ''].map(
    (accept) => get('/v1/orders/7', invalid('orderId'), { accept }),
  ),
];

const wrongMethod: BadHttp[] = [
  ['DELETE', '/v1/orders', 'GET, HEAD, OPTIONS, POST'],
  ['PUT', order, 'GET, HEAD, OPTIONS'],
  ['POST', order, 'GET, HEAD, OPTIONS'],
  ['GET', `${order}/pay`, 'OPTIONS, POST'],
  ['PATCH', `${order}/cancel`, 'OPTIONS, POST'],
  ['DELETE', `${order}/events`, 'GET, HEAD, OPTIONS'],
  ['GET', '/v1/customers', 'OPTIONS, POST'],
  ['PROPFIND', '/v1/orders', 'GET, HEAD, OPTIONS, POST'],
  ['GET', '/ordermesh.order.v1.OrderQueryService/GetOrder', 'OPTIONS, POST'],
].map(([method = '', path = '', allow = '']) => ({
  rule: `${method} ${path}`,
  send: (base) => rest(base, method, path),
  says: { reason: 'METHOD_NOT_ALLOWED', http: 405, code: 'UNIMPLEMENTED' },
  allow,
}));

/** Requests that have to be refused before there is a call. */
export const badHttp: readonly BadHttp[] = [
  ...malformed,
  ...types,
  ...carriers,
  ...urls,
  ...headers,
  ...wrongMethod,
];
