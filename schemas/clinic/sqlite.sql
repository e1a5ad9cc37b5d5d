-- A group of clinics: staff, patients, visits, laboratory, invoices, admissions.
CREATE TABLE configuration (
    only_row BOOLEAN PRIMARY KEY CHECK (only_row),
    group_name VARCHAR(60) NOT NULL,
    currency CHAR(3) NOT NULL,
    go_live_on DATE NOT NULL
);

CREATE TABLE diagnosis (
    code VARCHAR(8) PRIMARY KEY,
    label VARCHAR(80) NOT NULL,
    chapter_no INTEGER NOT NULL,
    chapter VARCHAR(60) NOT NULL
);

CREATE TABLE lab_test (
    code VARCHAR(8) PRIMARY KEY,
    label VARCHAR(60) NOT NULL,
    unit VARCHAR(10) NOT NULL,
    low NUMERIC(8,2) NOT NULL,
    high NUMERIC(8,2) NOT NULL,
    CHECK (high > low)
);

CREATE TABLE service (
    code VARCHAR(8) PRIMARY KEY,
    label VARCHAR(60) NOT NULL,
    price NUMERIC(8,2) NOT NULL CHECK (price > 0)
);

CREATE TABLE clinic (
    id INTEGER PRIMARY KEY,
    name VARCHAR(60) NOT NULL UNIQUE,
    city VARCHAR(40) NOT NULL,
    state CHAR(2) NOT NULL,
    closed_on DATE
);

-- department and employee refer to each other.
CREATE TABLE department (
    id INTEGER PRIMARY KEY,
    clinic_id INTEGER NOT NULL REFERENCES clinic (id),
    name VARCHAR(40) NOT NULL,
    head_id INTEGER REFERENCES employee (id),
    UNIQUE (clinic_id, name)
);

CREATE TABLE employee (
    id INTEGER PRIMARY KEY,
    department_id INTEGER NOT NULL REFERENCES department (id),
    manager_id INTEGER REFERENCES employee (id),
    deputy_id INTEGER NOT NULL REFERENCES employee (id),
    first_name VARCHAR(40) NOT NULL,
    last_name VARCHAR(40) NOT NULL,
    email VARCHAR(120) NOT NULL UNIQUE,
    role VARCHAR(12) NOT NULL,
    level INTEGER NOT NULL CHECK (level BETWEEN 0 AND 3),
    salary NUMERIC(10,2) NOT NULL CHECK (salary > 0),
    hired_on DATE NOT NULL,
    left_on DATE,
    CHECK (left_on > hired_on)
);

CREATE TABLE "user" (
    "employeeId" INTEGER PRIMARY KEY REFERENCES employee (id),
    "login" VARCHAR(40) NOT NULL UNIQUE,
    "group" VARCHAR(12) NOT NULL,
    "lastLogin" TIMESTAMP
);

CREATE TABLE doctor (
    clinic_id INTEGER NOT NULL REFERENCES clinic (id),
    doctor_no INTEGER NOT NULL,
    employee_id INTEGER NOT NULL UNIQUE REFERENCES employee (id),
    specialty VARCHAR(20) NOT NULL,
    PRIMARY KEY (clinic_id, doctor_no)
);

CREATE TABLE room (
    clinic_id INTEGER NOT NULL REFERENCES clinic (id),
    room_no INTEGER NOT NULL,
    kind VARCHAR(12) NOT NULL,
    floor INTEGER NOT NULL,
    PRIMARY KEY (clinic_id, room_no)
);

CREATE TABLE patient (
    id INTEGER PRIMARY KEY,
    mrn CHAR(10) NOT NULL UNIQUE,
    first_name VARCHAR(40) NOT NULL,
    last_name VARCHAR(40) NOT NULL,
    birth_date DATE NOT NULL,
    sex CHAR(1) NOT NULL CHECK (sex IN ('F', 'M', 'X')),
    blood_group VARCHAR(3),
    email VARCHAR(120),
    phone VARCHAR(20),
    street VARCHAR(80) NOT NULL,
    zip CHAR(5) NOT NULL,
    city VARCHAR(40) NOT NULL,
    state CHAR(2) NOT NULL,
    height_cm NUMERIC(4,1),
    weight_kg NUMERIC(4,1),
    bmi NUMERIC(6,1) GENERATED ALWAYS AS (round(weight_kg * 10000.0 / (height_cm * height_cm), 1)) STORED,
    is_smoker BOOLEAN NOT NULL,
    is_chronic BOOLEAN NOT NULL,
    insurance_no VARCHAR(12),
    guardian_id INTEGER REFERENCES patient (id),
    allergies TEXT,
    registered_on DATE NOT NULL,
    died_on DATE,
    visit_count INTEGER NOT NULL,
    CHECK (registered_on >= birth_date),
    CHECK (died_on >= registered_on)
);

-- doctor and room are of the visit's clinic: two composite keys that share a column.
CREATE TABLE visit (
    id INTEGER PRIMARY KEY,
    patient_id INTEGER NOT NULL REFERENCES patient (id),
    clinic_id INTEGER NOT NULL,
    doctor_no INTEGER NOT NULL,
    room_no INTEGER,
    kind VARCHAR(10) NOT NULL CHECK (kind IN ('checkup', 'acute', 'followup', 'chronic')),
    status VARCHAR(10) NOT NULL CHECK (status IN ('done', 'cancelled', 'no_show')),
    scheduled_at TIMESTAMP NOT NULL,
    cancelled_at TIMESTAMP,
    started_at TIMESTAMP,
    ended_at TIMESTAMP,
    duration_min INTEGER,
    FOREIGN KEY (clinic_id, doctor_no) REFERENCES doctor (clinic_id, doctor_no),
    FOREIGN KEY (clinic_id, room_no) REFERENCES room (clinic_id, room_no),
    CHECK ((status = 'cancelled') = (cancelled_at IS NOT NULL)),
    CHECK (ended_at > started_at)
);

CREATE TABLE visit_diagnosis (
    visit_id INTEGER NOT NULL REFERENCES visit (id) ON DELETE CASCADE,
    diagnosis_code VARCHAR(8) NOT NULL REFERENCES diagnosis (code),
    priority INTEGER NOT NULL CHECK (priority >= 1),
    PRIMARY KEY (visit_id, diagnosis_code),
    UNIQUE (visit_id, priority)
);

CREATE TABLE lab_result (
    id INTEGER PRIMARY KEY,
    visit_id INTEGER NOT NULL REFERENCES visit (id),
    test_code VARCHAR(8) NOT NULL REFERENCES lab_test (code),
    value NUMERIC(8,2) NOT NULL,
    unit VARCHAR(10) NOT NULL,
    is_abnormal BOOLEAN NOT NULL,
    device JSON
);

CREATE TABLE prescription (
    id INTEGER PRIMARY KEY,
    patient_mrn CHAR(10) NOT NULL REFERENCES patient (mrn),
    visit_id INTEGER REFERENCES visit (id),
    drug VARCHAR(30) NOT NULL,
    daily_mg INTEGER NOT NULL CHECK (daily_mg > 0),
    days INTEGER NOT NULL CHECK (days > 0),
    total_mg INTEGER NOT NULL,
    starts_on DATE NOT NULL,
    ends_on DATE NOT NULL
);

CREATE TABLE invoice (
    visit_id INTEGER PRIMARY KEY REFERENCES visit (id),
    issued_on DATE NOT NULL,
    total NUMERIC(10,2) NOT NULL,
    insurer_share NUMERIC(10,2) NOT NULL,
    patient_share NUMERIC(10,2) NOT NULL,
    paid_on DATE,
    CHECK (insurer_share + patient_share - total BETWEEN -0.005 AND 0.005)
);

CREATE TABLE invoice_line (
    visit_id INTEGER NOT NULL REFERENCES invoice (visit_id) ON DELETE CASCADE,
    line_no INTEGER NOT NULL,
    service_code VARCHAR(8) NOT NULL REFERENCES service (code),
    quantity INTEGER NOT NULL,
    unit_price NUMERIC(8,2) NOT NULL,
    amount NUMERIC(10,2) NOT NULL,
    PRIMARY KEY (visit_id, line_no)
);

CREATE TABLE vaccination (
    patient_id INTEGER NOT NULL REFERENCES patient (id),
    vaccine VARCHAR(12) NOT NULL,
    dose_no INTEGER NOT NULL,
    given_on DATE NOT NULL,
    manufacturer VARCHAR(20) NOT NULL,
    PRIMARY KEY (patient_id, vaccine, dose_no)
);

CREATE TABLE admission (
    id INTEGER PRIMARY KEY,
    patient_id INTEGER NOT NULL REFERENCES patient (id),
    clinic_id INTEGER NOT NULL REFERENCES clinic (id),
    admitted_at TIMESTAMP NOT NULL,
    discharged_at TIMESTAMP NOT NULL,
    note TEXT
);

CREATE TABLE admission_event (
    admission_id INTEGER NOT NULL REFERENCES admission (id) ON DELETE CASCADE,
    step INTEGER NOT NULL,
    state VARCHAR(12) NOT NULL,
    entered_at TIMESTAMP NOT NULL,
    PRIMARY KEY (admission_id, step)
);

CREATE TABLE waiting_list (
    id INTEGER PRIMARY KEY,
    clinic_id INTEGER NOT NULL REFERENCES clinic (id),
    patient_id INTEGER NOT NULL REFERENCES patient (id),
    position INTEGER NOT NULL,
    UNIQUE (clinic_id, position),
    UNIQUE (clinic_id, patient_id)
);

-- No primary key.
CREATE TABLE access_log (
    user_login VARCHAR(40) NOT NULL REFERENCES "user" ("login"),
    patient_id INTEGER REFERENCES patient (id),
    action VARCHAR(10) NOT NULL,
    at TIMESTAMP NOT NULL
);

CREATE TABLE recall (
    patient_id INTEGER NOT NULL REFERENCES patient (id),
    reason TEXT NOT NULL,
    due_on DATE NOT NULL,
    PRIMARY KEY (patient_id, due_on)
);

CREATE INDEX visit_patient_idx ON visit (patient_id, scheduled_at);
CREATE INDEX lab_result_visit_idx ON lab_result (visit_id);

CREATE VIEW open_invoice AS
SELECT i.visit_id, v.patient_id, i.patient_share, i.issued_on
FROM invoice i JOIN visit v ON v.id = i.visit_id WHERE i.paid_on IS NULL;
