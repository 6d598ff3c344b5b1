DROP TABLE chat_members;
DROP TABLE chat_rooms;
