# The client that a published guide prints. Changed from it: the key and the base URL come from the environment.
import os
import requests
import json

API_KEY = os.environ["API_KEY"]
API_BASE_URL = os.environ["API_BASE_URL"]

headers = {
    "Authorization": f"Bearer {API_KEY}",
    "Content-Type": "application/json"
}

message_payload = {
    "to": "user_id_or_channel_id",
    "type": "text",
    "content": {
        "text": "Hello from MessengerX.io API!"
    }
}

try:
    response = requests.post(f"{API_BASE_URL}/messages", headers=headers, data=json.dumps(message_payload))
    response.raise_for_status() # Raise an exception for HTTP errors (4xx or 5xx)
    print("Message sent successfully:")
    print(json.dumps(response.json(), indent=2))
except requests.exceptions.HTTPError as http_err:
    print(f"HTTP error occurred: {http_err}")
    print(f"Response content: {response.text}")
except Exception as err:
    print(f"An error occurred: {err}")
