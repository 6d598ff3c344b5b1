DROP TABLE listeners;
DROP TABLE widgets;
DROP TABLE dataqueries;
DROP TABLE datasources;
