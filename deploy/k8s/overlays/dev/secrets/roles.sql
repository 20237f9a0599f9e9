-- The log belongs to the role of its migrations; the command service may append, and change nothing (ordermesh_app). Views and customers belong to their services.
CREATE ROLE ordermesh_app NOLOGIN;
CREATE ROLE ordermesh_migrator LOGIN CREATEDB PASSWORD 'development-only';
CREATE ROLE ordermesh_command LOGIN PASSWORD 'development-only' IN ROLE ordermesh_app;
CREATE ROLE ordermesh_view LOGIN CREATEDB PASSWORD 'development-only';
CREATE ROLE ordermesh_customer LOGIN CREATEDB PASSWORD 'development-only';
