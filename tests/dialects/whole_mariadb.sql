-- What a MariaDB database may hold, for tests of clones that lose nothing of it: one statement per paragraph.

SET sql_mode=''

CREATE SEQUENCE sq START WITH 7 INCREMENT BY -3 MINVALUE -1000 MAXVALUE 100 CACHE 5 CYCLE COMMENT 'seq'

CREATE TABLE kinds (id tinyint unsigned AUTO_INCREMENT PRIMARY KEY, name enum('a','b','it''s','ü') NOT NULL UNIQUE, flags set('x','y','z')) AUTO_INCREMENT=50 COMMENT='kinds ''of'''

INSERT INTO kinds(name,flags) VALUES ('a','x'),('b','x,z'),('it''s','')

CREATE TABLE emp (id bigint unsigned NOT NULL AUTO_INCREMENT, kind tinyint unsigned, code int(6) zerofill, b bit(5) DEFAULT b'101', y year, j json, t time(3), ts timestamp(6) NOT NULL DEFAULT current_timestamp(6) ON UPDATE current_timestamp(6), dt datetime DEFAULT '2001-01-01', d decimal(12,4) unsigned, f float, nick varchar(40) CHARACTER SET latin1 COLLATE latin1_swedish_ci NOT NULL DEFAULT 'x''y', bin varbinary(20), low varchar(40) GENERATED ALWAYS AS (lower(nick)) VIRTUAL, per varchar(80) AS (concat(nick,'!')) PERSISTENT, hidden int INVISIBLE DEFAULT 4, ip inet6, u uuid DEFAULT uuid(), tc text COMPRESSED, txt mediumtext, g point, seqd int DEFAULT nextval(sq), up bigint unsigned,
 PRIMARY KEY (id), UNIQUE KEY nk (nick, kind), KEY pre (txt(10), nick(5)), KEY dsc (y DESC, code), FULLTEXT KEY ft (txt), KEY ign (code) IGNORED, CONSTRAINT jc CHECK (json_valid(j)), CONSTRAINT pos CHECK (d > 0 OR d IS NULL), CHECK (y BETWEEN 1950 AND 2100), CONSTRAINT fk_kind FOREIGN KEY (kind) REFERENCES kinds(id) ON DELETE SET NULL ON UPDATE CASCADE, CONSTRAINT fk_up FOREIGN KEY (up) REFERENCES emp(id)) ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci COMMENT='emps'

INSERT INTO emp(kind,code,y,j,t,dt,d,f,nick,bin,ip,u,txt,g,up) SELECT 50+seq%3, seq, 1990+seq%20, json_object('a',seq), sec_to_time(seq), '2010-01-01'+interval seq day, seq+.5, seq/3, concat('n',seq), concat('b',seq), concat('::',seq), uuid(), concat('text of ',seq), point(seq,seq), NULL FROM seq_1_to_60

UPDATE emp SET up = id-1 WHERE id > 1

CREATE TABLE sp (id int PRIMARY KEY, g geometry REF_SYSTEM_ID=4326 NOT NULL, SPATIAL KEY (g))

INSERT INTO sp SELECT seq, st_geomfromtext(concat('POINT(',seq,' ',seq,')'),4326) FROM seq_1_to_20

CREATE TABLE sv (id int PRIMARY KEY, x int, t text) WITH SYSTEM VERSIONING

INSERT INTO sv SELECT seq, seq, 'q' FROM seq_1_to_20

CREATE TABLE sv2 (id int PRIMARY KEY, x int WITHOUT SYSTEM VERSIONING, rs timestamp(6) GENERATED ALWAYS AS ROW START, re timestamp(6) GENERATED ALWAYS AS ROW END, PERIOD FOR SYSTEM_TIME(rs,re)) WITH SYSTEM VERSIONING

INSERT INTO sv2(id,x) SELECT seq, seq FROM seq_1_to_20

CREATE TABLE ap (id int, s date, e date, PERIOD FOR app(s,e), UNIQUE (id, app WITHOUT OVERLAPS))

INSERT INTO ap SELECT seq, '2020-01-01','2020-02-01' FROM seq_1_to_20

CREATE TABLE pr (id int, at date, v int, PRIMARY KEY(id,at)) PARTITION BY RANGE (year(at)) SUBPARTITION BY HASH (id) SUBPARTITIONS 2 (PARTITION p0 VALUES LESS THAN (2015) COMMENT='old', PARTITION p1 VALUES LESS THAN MAXVALUE)

INSERT INTO pr SELECT seq, '2010-01-01'+interval seq*60 day, seq FROM seq_1_to_60

CREATE TABLE pl (id int, c varchar(5)) PARTITION BY LIST COLUMNS (c) (PARTITION a VALUES IN ('x','y'), PARTITION b DEFAULT)

INSERT INTO pl SELECT seq, elt(1+seq%3,'x','y','z') FROM seq_1_to_40

CREATE TABLE zero (id int NOT NULL AUTO_INCREMENT PRIMARY KEY, d date NOT NULL DEFAULT '0000-00-00', n varchar(5) NOT NULL DEFAULT '') ENGINE=MyISAM CHECKSUM=1

INSERT INTO zero(d,n) SELECT IF(seq%2,'0000-00-00','2020-01-05'), IF(seq%3,'','a') FROM seq_1_to_30

CREATE TABLE emptied (id int AUTO_INCREMENT PRIMARY KEY, x int) AUTO_INCREMENT=777

CREATE TABLE `odd ``name`` "q" ünï` (`sel ``ect` int PRIMARY KEY COMMENT 'co''m\\m', `  x` int, `from` varchar(9), KEY `ke``y` (`from`))

INSERT INTO `odd ``name`` "q" ünï` SELECT seq,seq,'a' FROM seq_1_to_20

CREATE TABLE CamelCase (Id int PRIMARY KEY, Ünï int)

INSERT INTO CamelCase SELECT seq, seq FROM seq_1_to_20

CREATE TABLE chars (a char(3) CHARACTER SET ascii, b varchar(10) COLLATE utf8mb4_bin, c text CHARACTER SET ucs2, d nchar(4), e tinytext, f longblob, g tinyblob, h double(8,3), i mediumint, k boolean, l set('a','b') DEFAULT 'a,b', PRIMARY KEY(b))

INSERT INTO chars(a,b,c,d) SELECT 'a', concat('b',seq), 'c', 'd' FROM seq_1_to_20

CREATE VIEW v1 AS SELECT id, nick FROM emp WHERE id > 3 WITH LOCAL CHECK OPTION

CREATE ALGORITHM=TEMPTABLE SQL SECURITY INVOKER VIEW v2 AS SELECT v1.*, k.name FROM v1 JOIN kinds k ON k.id < 99

CREATE VIEW a_first AS SELECT * FROM v2

CREATE TABLE log (id int AUTO_INCREMENT PRIMARY KEY, w varchar(50), at timestamp NULL DEFAULT NULL)

CREATE TRIGGER t1 BEFORE INSERT ON emp FOR EACH ROW BEGIN SET NEW.hidden = 5; END

CREATE TRIGGER t2 BEFORE INSERT ON emp FOR EACH ROW PRECEDES t1 INSERT INTO log(w) VALUES (NEW.nick)

CREATE TRIGGER t3 AFTER DELETE ON emp FOR EACH ROW BEGIN INSERT INTO log(w) VALUES ('del'); END

CREATE FUNCTION fn(a int) RETURNS varchar(20) CHARSET utf8mb4 DETERMINISTIC NO SQL COMMENT 'f' RETURN concat('x',a)

CREATE PROCEDURE pc(IN a int, OUT b varchar(10)) READS SQL DATA SQL SECURITY INVOKER BEGIN SELECT 1; SET b = 'q;''x'; END

CREATE AGGREGATE FUNCTION agg(x int) RETURNS int BEGIN DECLARE s int DEFAULT 0; DECLARE CONTINUE HANDLER FOR NOT FOUND RETURN s; LOOP FETCH GROUP NEXT ROW; SET s = s + x; END LOOP; END

CREATE EVENT ev ON SCHEDULE EVERY 1 DAY STARTS '2030-01-01' ON COMPLETION PRESERVE DISABLE COMMENT 'e' DO DELETE FROM log
