BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0003');
CREATE TABLE box (
	id INTEGER NOT NULL, 
	feedback_id INTEGER NOT NULL, 
	x FLOAT NOT NULL, 
	y FLOAT NOT NULL, 
	w FLOAT NOT NULL, 
	h FLOAT NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT box_size CHECK (w > 0 AND h > 0), 
	FOREIGN KEY(feedback_id) REFERENCES feedback (id) ON DELETE CASCADE
);
INSERT INTO "box" VALUES(1,1,10.5,20.25,30.0,40.0);
INSERT INTO "box" VALUES(2,1,0.0,0.0,200.0,100.0);
INSERT INTO "box" VALUES(3,2,10.5,20.25,30.0,40.0);
INSERT INTO "box" VALUES(4,2,0.0,0.0,200.0,100.0);
INSERT INTO "box" VALUES(5,4,10.5,20.25,30.0,40.0);
INSERT INTO "box" VALUES(6,4,0.0,0.0,200.0,100.0);
CREATE TABLE "feedback" (
	id INTEGER NOT NULL, 
	prediction_id INTEGER NOT NULL, 
	"key" VARCHAR(32), 
	created_at DATETIME NOT NULL, 
	reader VARCHAR(80) NOT NULL, 
	presence VARCHAR(10) NOT NULL, 
	location VARCHAR(10), 
	comment TEXT NOT NULL, 
	first_id INTEGER, 
	revision INTEGER NOT NULL, 
	supersedes_id INTEGER, 
	confidence INTEGER, 
	seconds FLOAT, 
	PRIMARY KEY (id), 
	CONSTRAINT confidence_range CHECK (confidence IS NULL OR confidence BETWEEN 0 AND 100), 
	CONSTRAINT revision_count CHECK (revision >= 1), 
	CONSTRAINT presence_values CHECK (presence IN ('present', 'absent', 'unsure')), 
	CONSTRAINT location_values CHECK (location IS NULL OR location IN ('correct', 'partly', 'wrong')), 
	FOREIGN KEY(prediction_id) REFERENCES prediction (id) ON DELETE CASCADE, 
	FOREIGN KEY(first_id) REFERENCES feedback (id) ON DELETE CASCADE, 
	FOREIGN KEY(supersedes_id) REFERENCES feedback (id) ON DELETE CASCADE
);
INSERT INTO "feedback" VALUES(1,1,'11111111111111111111111111111111','2026-11-26 16:19:34.383003','A','present','partly','one, with a box',NULL,1,NULL,70,12.5);
INSERT INTO "feedback" VALUES(2,2,'22222222222222222222222222222222','2026-11-26 16:19:34.801709','A','present','partly','second thought',1,2,1,60,20.0);
INSERT INTO "feedback" VALUES(3,3,'33333333333333333333333333333333','2026-11-26 16:19:34.898800','B','unsure',NULL,'apex only',NULL,1,NULL,70,12.5);
INSERT INTO "feedback" VALUES(4,4,'44444444444444444444444444444444','2026-11-26 16:19:35.006185','B','present',NULL,'apex only',NULL,1,NULL,70,12.5);
INSERT INTO "feedback" VALUES(5,5,'55555555555555555555555555555555','2026-11-26 16:19:35.113455','Ärztin','absent',NULL,'多语言 ✓',NULL,1,NULL,70,12.5);
CREATE TABLE outline (
	id INTEGER NOT NULL, 
	feedback_id INTEGER NOT NULL, 
	kind VARCHAR(10) NOT NULL, 
	points JSON NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT outline_kinds CHECK (kind IN ('point', 'polygon')), 
	FOREIGN KEY(feedback_id) REFERENCES feedback (id) ON DELETE CASCADE
);
INSERT INTO "outline" VALUES(1,1,'point','[[50.0, 60.0]]');
INSERT INTO "outline" VALUES(2,1,'polygon','[[0, 0], [9, 0], [9, 9.5]]');
INSERT INTO "outline" VALUES(3,2,'point','[[50.0, 60.0]]');
INSERT INTO "outline" VALUES(4,2,'polygon','[[0, 0], [9, 0], [9, 9.5]]');
INSERT INTO "outline" VALUES(5,3,'point','[[3.0, 4.0]]');
INSERT INTO "outline" VALUES(6,3,'polygon','[[1.0, 1.0], [5.0, 1.0], [5.0, 6.0]]');
INSERT INTO "outline" VALUES(7,4,'point','[[50.0, 60.0]]');
INSERT INTO "outline" VALUES(8,4,'polygon','[[0, 0], [9, 0], [9, 9.5]]');
CREATE TABLE "prediction" (
	id INTEGER NOT NULL, 
	image_sha256 VARCHAR(64) NOT NULL, 
	image_height INTEGER NOT NULL, 
	image_width INTEGER NOT NULL, 
	model_name VARCHAR(100), 
	model_sha256 VARCHAR(64), 
	"query" VARCHAR(500) NOT NULL, 
	finding VARCHAR(500) NOT NULL, 
	negated BOOLEAN NOT NULL, 
	side VARCHAR(5), 
	in_vocabulary BOOLEAN NOT NULL, 
	probability FLOAT, 
	threshold FLOAT, 
	parameters JSON NOT NULL, 
	asked BOOLEAN NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT probability_range CHECK (probability >= 0 AND probability <= 1)
);
INSERT INTO "prediction" VALUES(1,'abababababababababababababababababababababababababababababababab',100,200,'small','cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd','no pneumothorax on the left','pneumothorax',1,'left',1,0.125,0.5,'{"place": null, "map_maximum": 0.75, "regions": [[100.0, 0.0, 60.0, 50.0, 0.75]], "display": {"threshold": 0.4, "colours": "viridis", "smooth": false, "zoom": 2.5}, "map_shown": true, "saliency_shown": ["grad_cam"]}',1);
INSERT INTO "prediction" VALUES(2,'abababababababababababababababababababababababababababababababab',100,200,'small','cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd','no pneumothorax on the left','pneumothorax',1,'left',1,0.125,0.5,'{"place": null, "map_maximum": 0.75, "regions": [[100.0, 0.0, 60.0, 50.0, 0.75]], "display": {"threshold": 0.4, "colours": "viridis", "smooth": false, "zoom": 2.5}, "map_shown": true, "saliency_shown": ["grad_cam"]}',1);
INSERT INTO "prediction" VALUES(3,'abababababababababababababababababababababababababababababababab',100,200,'small','cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd','no pneumothorax on the left','pneumothorax',1,'left',1,0.125,0.5,'{"place": null, "map_maximum": 0.75, "regions": [[100.0, 0.0, 60.0, 50.0, 0.75]], "display": {"threshold": 0.4, "colours": "viridis", "smooth": false, "zoom": 2.5}, "map_shown": true, "saliency_shown": ["grad_cam"]}',1);
INSERT INTO "prediction" VALUES(4,'abababababababababababababababababababababababababababababababab',100,200,NULL,NULL,'','cyst',0,'left',0,NULL,NULL,'{"place": "left lower zone", "display": {"threshold": 0.4, "colours": "viridis", "smooth": false, "zoom": 2.5}, "map_shown": false, "saliency_shown": ["grad_cam"]}',0);
INSERT INTO "prediction" VALUES(5,'abababababababababababababababababababababababababababababababab',100,200,'small','cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd','no pneumothorax on the left','pneumothorax',1,'left',1,0.125,0.5,'{"place": null, "map_maximum": 0.75, "regions": [[100.0, 0.0, 60.0, 50.0, 0.75]], "display": {"threshold": 0.4, "colours": "viridis", "smooth": false, "zoom": 2.5}, "map_shown": true, "saliency_shown": ["grad_cam"]}',1);
CREATE INDEX ix_box_feedback_id ON box (feedback_id);
CREATE INDEX ix_prediction_image_sha256 ON prediction (image_sha256);
CREATE INDEX ix_feedback_created_at ON feedback (created_at);
CREATE UNIQUE INDEX ix_feedback_key ON feedback ("key");
CREATE UNIQUE INDEX ix_feedback_supersedes_id ON feedback (supersedes_id);
CREATE INDEX ix_outline_feedback_id ON outline (feedback_id);
COMMIT;
