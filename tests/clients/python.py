"""The `websockets` package of Python: python3 python.py URL TOKEN AUTHORITY"""

import asyncio
import ssl
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus


async def main(url, token, authority):
    context = ssl.create_default_context(cafile=authority)
    try:
        async with connect(url, ssl=context, additional_headers={"authorization": f"Bearer {token}"}) as socket:
            await socket.send("here")
            print("heard", await socket.recv())
            await socket.close(1000)
            print("closed", socket.close_code)
    except InvalidStatus as refusal:
        print("refused", refusal.response.status_code)


asyncio.run(main(*sys.argv[1:]))
