package tenant

var firstNames = []string{
	"Mia", "Noah", "Emma", "Liam", "Sofia", "Lucas", "Hanna", "Elias", "Lena", "Jonas", "Clara", "Felix",
	"Marie", "Paul", "Laura", "Leon", "Anna", "Max", "Julia", "Tom", "Sara", "Ben", "Nora", "Jan", "Eva",
	"Omar", "Yuki", "Priya", "Chen", "Aisha", "Diego", "Ines", "Mateo", "Zoe", "Ivan", "Olga", "Amir", "Leila",
	"Kofi", "Ama", "Raj", "Anika", "Björn", "Åsa", "Søren", "Freja", "Zoë", "José", "Chloé", "Günther", "Łucja",
}

var lastNames = []string{
	"Fischer", "Weber", "Schmidt", "Becker", "Hoffmann", "Koch", "Richter", "Klein", "Wolf", "Neumann",
	"Smith", "Johnson", "Brown", "Taylor", "Wilson", "Clark", "Lewis", "Walker", "Young", "King",
	"Rossi", "Bianchi", "García", "Martínez", "López", "Silva", "Santos", "Costa", "Dubois", "Moreau",
	"Kowalski", "Nowak", "Novák", "Ivanova", "Petrov", "Tanaka", "Sato", "Kim", "Nguyen", "Wang",
	"Singh", "Patel", "Sharma", "Khan", "Hassan", "Okafor", "Mensah", "Müller", "Sørensen", "Öztürk", "O'Neill",
}

var departments = []string{
	"Sales", "Engineering", "Marketing", "Finance", "Human Resources", "Operations",
	"Customer Support", "Legal", "Production", "Logistics", "Research", "IT",
}

var titles = []string{
	"Specialist", "Senior Specialist", "Coordinator", "Engineer", "Analyst", "Technician", "Consultant", "Manager",
}

// An office decides city, country and language.
type office struct{ name, city, country, usage, language string }

var offices = []office{
	{"Berlin", "Berlin", "Germany", "DE", "de-DE"},
	{"London", "London", "United Kingdom", "GB", "en-GB"},
	{"Seattle", "Seattle", "United States", "US", "en-US"},
	{"Paris", "Paris", "France", "FR", "fr-FR"},
	{"Madrid", "Madrid", "Spain", "ES", "es-ES"},
	{"Tokyo", "Tokyo", "Japan", "JP", "ja-JP"},
	{"Warsaw", "Warsaw", "Poland", "PL", "pl-PL"},
}
