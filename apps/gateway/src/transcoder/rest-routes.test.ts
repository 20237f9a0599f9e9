import { expect, test } from 'vitest';
import { exposedMethods, exposedServices } from '../exposed.ts';
import { restRoutes } from './rest-routes.ts';

test('the annotations yield the public routes', () => {
  const routes = restRoutes(exposedMethods(exposedServices)).map(
    ({ verb, template, method, status }) => `${verb} ${template.text} ${method.name} ${status}`,
  );
  expect(routes).toEqual(
    expect.arrayContaining([
      'POST /v1/orders CreateOrder 201',
      'POST /v1/orders/{order_id}/confirm ConfirmOrder 200',
      'POST /v1/orders/{order_id}/pay PayOrder 200',
      'POST /v1/orders/{order_id}/ship ShipOrder 200',
      'POST /v1/orders/{order_id}/deliver DeliverOrder 200',
      'POST /v1/orders/{order_id}/cancel CancelOrder 200',
      'POST /v1/orders/{order_id}/items AddItem 200',
      'DELETE /v1/orders/{order_id}/items/{product_id} RemoveItem 200',
      'PUT /v1/orders/{order_id}/shipping-address ChangeShippingAddress 200',
      'GET /v1/orders/{order_id} GetOrder 200',
      'GET /v1/customers/{customer_id}/orders ListOrders 200',
      'GET /v1/users/{customer_id}/orders ListOrders 200',
      'GET /v1/orders SearchOrders 200',
      'GET /v1/orders/{order_id}/events ListOrderEvents 200',
      'POST /v1/customers RegisterCustomer 201',
      'GET /v1/customers/{customer_id} GetCustomer 200',
    ]),
  );
});

test('a method without an annotation stays inside the mesh', () => {
  const names = exposedMethods(exposedServices).map(({ name }) => name);
  expect(names).not.toContain('BatchGetCustomers');
  expect(names).not.toContain('ReadLog');
});
